{ a = 1; }.b or { c = 1; }.d
