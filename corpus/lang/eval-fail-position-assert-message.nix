let x = { a = [ 1 2 ]; }; in assert x.a == [ ] || !(x ? a) || (if x ? b then true else false); 1
