"""Image files as uint8 BGR arrays: headers judged before pixels are believed, depth, bursts; preprocess.py resizes."""
