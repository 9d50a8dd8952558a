f !a
