{ a, b ? , c }: a
