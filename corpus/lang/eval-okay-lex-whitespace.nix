# Tabs, carriage returns and newlines between tokens.
let	a=1;b	=	2;
c
=
3;in[a b c(a+b)(a -b)(a+-b){inherit a;}.a"s"''t''./lang/../lang/x]==[]
