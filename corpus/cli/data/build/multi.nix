rec {
  mk = name: derivation {
    inherit name;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "mkdir $out $man $bin; echo hello >$out/f; echo $out >$man/ref; echo b >$bin/b" ];
    outputs = [ "out" "man" "bin" ];
    PATH = "/usr/bin:/bin";
  };
  pkg = mk "pkg-1.0";
  pkg2 = mk "pkg2-1.0";
  binFirst = pkg // (derivation {
    name = "bin-first";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "echo 1 > $bin; echo 2 > $out" ];
    outputs = [ "bin" "out" ];
  });
}
