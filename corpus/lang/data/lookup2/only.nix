"only in lookup2"
