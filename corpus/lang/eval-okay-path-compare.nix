[ (/a == /a/.) (/a < /a/b) (/a/b < /a.b) (./a == "./a") (/a != /b) ([ /a ] == [ /a ]) (builtins.elem /a [ /b /a ]) ]
