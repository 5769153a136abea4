"""What runs on real FLARE have in common: the copy that is run, which has a recorder, and what is read from it."""
