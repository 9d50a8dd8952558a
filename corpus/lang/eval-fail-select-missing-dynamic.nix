let n = "foo"; in { fo = 1; }.${n}
