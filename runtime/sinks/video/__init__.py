"""Video files: which encoder there is, and one file an encoder; where they go to is the sinks' business."""
