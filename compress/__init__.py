"""Compression: from a trained run to the smallest bundle that keeps its accuracy, proven."""
