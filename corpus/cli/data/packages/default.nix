# A small tree of packages as they are in the world: a library of several outputs from a fetched archive, a program that
# uses it, its tests, a wrapper, and a configuration file. Compiled by the host's gcc.
{ archive, language ? "de" }:
let
  mk = attrs: derivation ({
    system = "x86_64-linux";
    builder = "/bin/sh";
    PATH = "/usr/local/bin:/usr/bin:/bin";
  } // attrs // { args = [ "-euc" attrs.script ]; });
in rec {
  source = derivation {
    name = "greet-1.0.tar";
    system = "builtin";
    builder = "builtin:fetchurl";
    url = "file://${archive}";
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = "811a9362c6d0d69d4765b5b22aff8e7dca9b10a63efcdfcb930930b33c803106";
    preferLocalBuild = true;
  };
  library = mk {
    name = "greet-1.0";
    outputs = [ "out" "dev" "man" ];
    inherit source;
    script = ''
      tar xf $source
      cd greet-1.0
      gcc -O1 -fPIC -c greet.c
      mkdir -p $out/lib $dev/include $dev/lib $man/share/man/man3
      gcc -shared -Wl,-soname,libgreet.so.1 -Wl,--build-id=none -o $out/lib/libgreet.so.1 greet.o
      ln -s $out/lib/libgreet.so.1 $dev/lib/libgreet.so
      cp greet.h $dev/include
      cp greet.3 $man/share/man/man3
      printf 'prefix=%s\nLibs: -L%s/lib -lgreet\n' $dev $dev > $dev/greet.pc
    '';
  };
  config = builtins.toFile "hello.conf" "${language}\n";
  program = mk {
    name = "hello-1.0";
    source = ./hello.c;
    inherit config;
    include = "${library.dev}/include";
    libraries = "${library.dev}/lib";
    runtime = "${library.out}/lib";
    script = ''
      mkdir -p $out/bin
      cp $source hello.c
      gcc -O1 -DCONFIG="\"$config\"" -I$include hello.c -o $out/bin/hello \
        -L$libraries -lgreet -Wl,-rpath,$runtime -Wl,--build-id=none
    '';
  };
  tests = mk {
    name = "hello-tests";
    inherit program;
    script = ''
      [ "$($program/bin/hello)" = "Guten Tag, world!" ]
      $program/bin/hello Nix > $out
    '';
  };
  wrapper = mk {
    name = "hello-wrapped";
    inherit program tests;
    script = ''
      mkdir -p $out/bin
      printf '#! /bin/sh\n# Tested: %s\nexec %s/bin/hello wrapped "$@"\n' $tests $program > $out/bin/hello
      chmod +x $out/bin/hello
    '';
  };
}
