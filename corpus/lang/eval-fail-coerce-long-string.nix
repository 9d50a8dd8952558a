1 + ("a" + "bcdefghijklmnopqrstuvwxyz") // { } ? "x"
