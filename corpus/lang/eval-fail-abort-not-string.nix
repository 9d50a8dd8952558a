abort null
