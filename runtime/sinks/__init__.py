"""Where results go: one sink a file, by name in catalog.py."""
