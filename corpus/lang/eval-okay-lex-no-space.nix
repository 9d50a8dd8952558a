let x=1;f=a: b: a+b;s={a=1;};in[(f 1 2)(f x(-1))s.a(s.b or 2)(if x==1then 2else 3)(x: x)(with s;a)(assert true;1)"a""b"[1 2][]{}(!true)(x<2&&x>0||false ->true)]
