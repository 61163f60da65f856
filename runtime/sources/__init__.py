"""Where frames come from: one source a file, by name in catalog.py; the threads that read them are loop/feeds.py."""
