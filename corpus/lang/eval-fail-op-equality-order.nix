# Attributes are compared in the order in which their names were first seen.
{ b = throw "b"; a = throw "a"; } == { a = 1; b = 1; }
