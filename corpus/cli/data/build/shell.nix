{ inNixShell ? false, n ? "none" }:
if inNixShell then (import ./np.nix { }).shell // { inherit n; } else throw "not for a shell"
