let a.${"b" + "c"}.d = 1; ${a} = 2; in a
