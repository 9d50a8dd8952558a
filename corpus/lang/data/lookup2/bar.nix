"bar of lookup2"
