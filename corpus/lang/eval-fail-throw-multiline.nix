throw "first\nsecond\n\nfourth"
