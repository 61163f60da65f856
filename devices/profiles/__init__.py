"""Device profiles as TOML data."""
