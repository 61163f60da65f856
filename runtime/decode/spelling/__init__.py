"""Which texts may be read (words, a pattern), and the search for the likeliest of them; nothing of networks."""
