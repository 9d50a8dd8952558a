import "data/import"
