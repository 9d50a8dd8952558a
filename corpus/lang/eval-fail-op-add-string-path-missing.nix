"a" + /nonexistent/path
