{ a = throw "from the imported file"; }
