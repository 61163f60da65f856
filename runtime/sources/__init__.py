"""Where frames come from: one source a file, by name in catalog.py."""
