"""The .edge file: its manifest, its entries and hashes, its signature; what runs it lives in model/."""
