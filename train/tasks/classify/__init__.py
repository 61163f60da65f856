"""Classification: one label a picture; its loss, augmentation of targets, metrics, calibration."""
