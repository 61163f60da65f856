"""What the machine gives: files written whole, places of the user's own, freed memory, other programs' noise."""
