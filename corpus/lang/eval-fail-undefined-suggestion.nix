let foobar = 1; in fobar
