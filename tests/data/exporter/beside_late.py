late = 1
