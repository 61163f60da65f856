"""Where results go: one sink a file, by name in catalog.py; the queues before them are loop/outlets.py."""
