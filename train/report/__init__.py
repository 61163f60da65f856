"""The run as one self-contained page: curves and what to try next; a task brings sections of its own."""
