let __findFile = path: name: "found ${name} in ${toString path}"; __nixPath = "somewhere"; in [ <a> <a/b.c> ]
