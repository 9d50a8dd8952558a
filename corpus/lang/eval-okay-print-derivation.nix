# A derivation is printed as any set.
{ type = "derivation"; drvPath = "/x.drv"; outPath = "/x"; name = "x"; }
