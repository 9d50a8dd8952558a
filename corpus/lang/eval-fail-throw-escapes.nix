throw "quote ' and \" and \${x}"
