rec { x = 1; __overrides = throw "overrides"; }
