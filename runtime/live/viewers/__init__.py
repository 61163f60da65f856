"""Who looks and listens: pictures encoded once for all of them, events, and an end to those who are too slow."""
