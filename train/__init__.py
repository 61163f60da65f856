"""Training: from a folder of images to a run folder that can be trusted."""
