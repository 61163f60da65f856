"""From float to 8 bits: ranges decided once on the torch side, written into every format."""
