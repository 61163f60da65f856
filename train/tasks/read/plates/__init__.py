"""Number plates that nobody photographed: what a layout says, drawn, seen by a camera. layouts/ holds those known."""
