decoy = 1
