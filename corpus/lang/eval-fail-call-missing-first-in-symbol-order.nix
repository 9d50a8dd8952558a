({ zed, abc }: 1) { }
