"""The device side: bundle and camera in, recognitions out; numpy, OpenCV and one engine, never torch."""
