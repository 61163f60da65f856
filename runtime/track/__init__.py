"""The same thing from frame to frame: which row of a frame is which row of the frames before it."""
