with builtins;
[
  (map splitVersion [ "1.2.3" "1.2a-pre3" "" "1" "a" "1..2" "-1-" "2.3pre1" "1.0rc1" "..." "10a10b" "é1" "1.2_3" "1.a.2" ])
  (parseDrvName "hello-1.2.3") (parseDrvName "hello") (parseDrvName "hello-world-1.0pre2") (parseDrvName "a-b-c") (parseDrvName "nix-0.12pre12876")
  (parseDrvName "") (parseDrvName "-1") (parseDrvName "x-") (parseDrvName "x-1-2") (parseDrvName "a-.1") (parseDrvName "a-_b-1") (parseDrvName "python3.11-foo-1.2") (parseDrvName "a--b")
]
