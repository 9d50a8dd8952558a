"foo default of lookup"
