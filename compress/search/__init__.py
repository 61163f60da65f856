"""The budget search: the best network that keeps within latency, size, memory and accuracy."""
