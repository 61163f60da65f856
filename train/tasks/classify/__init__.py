"""Classification: one label a picture; its data, losses, meter, metrics, calibration, and its part of the report."""
