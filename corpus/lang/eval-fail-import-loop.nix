import ./data/loop-a
