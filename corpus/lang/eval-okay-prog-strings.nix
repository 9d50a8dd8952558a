# Functions in the manner of nixpkgs' lib.strings and lib.lists.
let
  inherit (builtins) concatStringsSep genList substring stringLength replaceStrings elemAt length filter isString split head tail match;
  chars = s: genList (i: substring i 1 s) (stringLength s);
  rev = l: let n = length l; in genList (i: elemAt l (n - i - 1)) n;
  splitString = sep: s: filter isString (split (replaceStrings [ "." "+" "*" "(" ")" "[" "|" "\\" "^" "$" "?" "{" ] [ "\\." "\\+" "\\*" "\\(" "\\)" "\\[" "\\|" "\\\\" "\\^" "\\$" "\\?" "\\{" ] sep) s);
  upper = replaceStrings (chars "abcdefghijklmnopqrstuvwxyz") (chars "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  hasPrefix = p: s: substring 0 (stringLength p) s == p;
  hasSuffix = p: s: let n = stringLength s - stringLength p; in n >= 0 && substring n (-1) s == p;
  fold = f: z: l: let go = i: if i == length l then z else f (elemAt l i) (go (i + 1)); in go 0;
  unique = fold (x: acc: if builtins.elem x acc then acc else [ x ] ++ acc) [ ];
  escape = cs: replaceStrings cs (map (c: "\\" + c) cs);
  pad = n: s: if stringLength s >= n then s else pad n ("0" + s);
  toHex = n: if n < 16 then substring n 1 "0123456789abcdef" else toHex (n / 16) + toHex (n - n / 16 * 16);
in
[ (rev (chars "hello")) (splitString "." "a.b..c") (splitString "ab" "xabyab") (upper "hello World") (hasPrefix "he" "hello") (hasSuffix "lo" "hello") (hasSuffix "hello!" "hello") (unique [ 1 2 1 3 2 ]) (escape [ "$" "\"" ] "a$b\"c") (pad 5 "42") (toHex 3735928559) (concatStringsSep "" (map upper (chars "abc"))) (match "([^=]*)=(.*)" "key=value=x") ]
