builtins.toJSON { a = /nonexistent/file; }
