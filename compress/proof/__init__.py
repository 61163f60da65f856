"""Proof that a file is the trained network: parity on pictures, golden frames, limits."""
