"""What a training can learn to answer, a folder a task; the rest knows a task only by the dataclass in `task.py`."""
