{ x = 1; f = a: a + 1; here = ./.; file = __curPos.file; }
