import ./data/latin1.txt
