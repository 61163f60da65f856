"""Data for training: named sets, splits, the check before training, and the cache of decoded pictures."""
