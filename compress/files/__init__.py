"""Model files in every asked format and precision, from one export."""
