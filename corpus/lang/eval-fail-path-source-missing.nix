"${./data/nonexistent}"
