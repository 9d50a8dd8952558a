# The first part's `rec` holds for all.
let x = 10; in { a = rec { x = 1; }; a.z = x; }
