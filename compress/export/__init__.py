"""From a torch graph to the files that other programs run."""
