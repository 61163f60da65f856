"""Bundles onto devices: two slots, verified there before the switch, signed where keys are set."""
