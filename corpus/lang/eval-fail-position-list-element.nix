[ 1 2 (let x = { }; in x.missing) ]
