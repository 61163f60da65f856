"""Figures that no picture flattered: what a network answers to pictures that had no say in it."""
