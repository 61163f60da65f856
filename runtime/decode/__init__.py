"""Decoders: pure functions from a network's output arrays to recognitions."""
