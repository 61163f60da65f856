"""A run's folder: configuration and facts, checkpoints, weights, answers, progress while it grows."""
