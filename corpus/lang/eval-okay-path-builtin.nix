let h = ./data/hello.txt; p = builtins.path; in
[
  (p { path = h; }) (p { path = h; name = "renamed"; }) (p { path = h; recursive = false; }) (p { path = h; recursive = false; name = "renamed"; }) (p { path = ./data/dir; }) (p { path = ./data/dir; name = "d"; filter = path: type: type != "symlink"; })
  (p { path = ./data/dir; filter = path: type: false; }) (p { path = ./data/dir; filter = path: type: baseNameOf path != "sub"; }) (p { path = ./data/tree; filter = path: type: type == "directory" || builtins.match ".*\\.rs" path != null; })
  (p { path = h; sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"; recursive = false; }) (p { path = h; sha256 = "1c37d01af40be2e80691de3cc3df44377a699afbb17c68f080964b2fd071fc13"; }) (p { path = h; sha256 = "sha256-HDfQGvQL4ugGkd48w99EN3ppmvuxfGjwgJZLL9Bx/BM="; name = "sri"; })
  (p { path = toString h; }) (p { path = ./data/dir/run.sh; }) (p { path = ./data/dir/link; name = "link"; }) (builtins.getContext (p { path = h; }) != { }) (p { path = ./data/dir/run.sh; recursive = false; })
]
