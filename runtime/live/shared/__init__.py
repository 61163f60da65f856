"""What page and service know in common: newest results, timeline, knobs, collected pictures, numbers; no routes."""
