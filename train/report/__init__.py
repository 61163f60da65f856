"""The run as one self-contained page: curves, errors, calibration, and what to try next."""
