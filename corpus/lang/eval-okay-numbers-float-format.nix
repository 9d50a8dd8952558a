# Every printer has its own format.
let
  fs = [ 0.0 1.0 1.5 0.1 0.25 100.0 123456.0 1234567.0 999999.5 0.0001 0.00001 1.0e-10 1.0e10 1.0e15 1.0e16 1.0e17 1.0e21 1.0e22 1.0e100 1.0e300 3.14159265358979 2.5e-5 123456789.123 0.30000000000000004 (1.0 / 3) (2.0 / 3) (-1.5) (-0.1) 4.35 1.005 9007199254740993.0 5.0e-300 ];
in
{ print = fs; string = map toString fs; json = map builtins.toJSON fs; back = map (f: builtins.fromJSON (builtins.toJSON f) == f) fs; xml = builtins.toXML fs; interpolated = builtins.toJSON fs; }
