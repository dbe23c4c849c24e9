"""What the world says to us, turned into one call each."""
