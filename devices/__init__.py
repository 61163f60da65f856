"""What a device is, how fast a bundle is on it, and how one gets there; never torch."""
