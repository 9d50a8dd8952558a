let iff = 1; thenx = 2; else' = 3; lets = 4; inn = 5; recc = 6; withh = 7; assertt = 8; inherit_ = 9; ors = 10; in [ iff thenx else' lets inn recc withh assertt inherit_ ors ]
