"the real sibling"
