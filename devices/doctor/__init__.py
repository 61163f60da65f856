"""Checks of what on a machine would get in the way, each finding with what to do."""
