"""What a network knows beside its classes: features of learned pictures, by which a device calls others unknown."""
