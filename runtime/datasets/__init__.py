"""Readers of labelled image sets, numpy only: `evaluate` runs on the device, training reads through the same."""
