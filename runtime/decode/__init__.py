"""Decoders: pure functions from a network's output arrays to recognitions; what a task does with those is tasks/."""
