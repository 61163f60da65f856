"""What each board is, one TOML file a board; the folder is the list, ../profile.py reads it."""
