assert 1 == 1.5; 1
