"""Which texts may be read (a list of words, a pattern), and the search for the likeliest of them; no network's names."""
