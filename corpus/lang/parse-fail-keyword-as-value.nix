{ a = in; }
