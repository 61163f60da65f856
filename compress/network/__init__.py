"""A torch network as one flat graph, batch norm folded, and what it answers to pictures."""
