"""Structured pruning: narrower layers, the same file formats; the repair afterwards is learn/'s."""
