"bar of lookup"
