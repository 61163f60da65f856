"""How fast a model is here: every measurement in a process of its own, with what the board said meanwhile."""
