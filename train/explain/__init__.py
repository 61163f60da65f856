"""Which pixels made a network say what it said: one method a file, by name in catalog.py."""
