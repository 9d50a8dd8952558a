let s = { ${s.n} = 1; }; in s
