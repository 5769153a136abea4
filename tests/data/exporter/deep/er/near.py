near = 1
