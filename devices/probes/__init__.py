"""Probes: what can be read of a running board; what is missing is said, never invented."""
