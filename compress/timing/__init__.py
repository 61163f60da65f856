"""How fast each file is, here, over SSH or predicted, and which one is preferred."""
