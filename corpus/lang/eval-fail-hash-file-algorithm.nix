builtins.hashFile "crc" ./data/hello.txt
