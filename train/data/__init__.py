"""Data for training: named sets, splits, the check before training, the cache; file formats: runtime/datasets."""
