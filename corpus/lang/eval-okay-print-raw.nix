"text with \"quotes\"\nand no newline at its end"
