x: [ x.a x.a.b x."a b" x.${x} x."${x}c" (x.a or 1) (x.a.b or x.c or 2) (x ? a) (x ? a.b."c d".${x}) (x).a (x 1).a { a = 1; }.a (rec { a = 1; }).a [ 1 ].a ]
