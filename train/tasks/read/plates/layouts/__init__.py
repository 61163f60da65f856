"""What each plate is, one TOML file a layout; the folder is the list, ../file.py reads it."""
