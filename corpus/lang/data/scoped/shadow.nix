{ map = map; true = true; }
