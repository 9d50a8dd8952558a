fetchMercurial { }
