derivation { name = "n"; system = "x86_64-linux"; builder = "/bin/sh"; passAsFile = [ "text" "other" ]; text = "long\ntext"; other = ./data/src.txt; }
