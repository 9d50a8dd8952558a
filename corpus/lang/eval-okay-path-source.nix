[
  "${./data/hello.txt}" "${./data/dir}" "${./data/dir/run.sh}" "${./data/empty}" "${./data/dir/link}" "${./data/dir/broken}" "${./data/dir/dirlink}" "${./data/latin1.txt}" "x${./data/hello.txt}y" ("a" + ./data/hello.txt) "${./data/hello.txt}" "${./data/dir/sub}/deep.txt" "${./data/tree}" (builtins.toJSON ./data/hello.txt) (builtins.concatStringsSep " " [ ./data/hello.txt ./data/empty ])
]
