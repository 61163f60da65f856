"""Structured pruning: narrower layers, the same file formats."""
