"""The networks of the kit, one readable file each; `catalog.py` builds them by name."""
