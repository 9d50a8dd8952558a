let p = builtins.pathExists; s = toString ./data; in
[
  (p ./data) (p ./data/hello.txt) (p ./data/missing) (p ./data/dir/broken) (p ./data/dir/link) (p ./data/dir/dirlink) (p ./data/loop-a) (p s) (p (s + "/")) (p (s + "/hello.txt")) (p (s + "/hello.txt/")) (p (s + "/dir/dirlink/")) (p (s + "/dir/link/")) (p (s + "/.")) (p (s + "/hello.txt/.")) (p (s + "/missing/..")) (p /.) (p "/") (p (s + "/dir/../hello.txt")) (p "/nonexistent/a/b") (p (./data + "/hello.txt/")) (p "/nix/store/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-x")
]
