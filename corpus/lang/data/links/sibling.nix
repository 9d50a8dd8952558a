"the wrong sibling"
