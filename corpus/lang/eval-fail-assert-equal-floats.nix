assert 1.5 == 1.25; 1
