let a = "abc;
in a
