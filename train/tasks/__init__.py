"""What a training can learn to answer; the loop knows a task only by the dataclass in `task.py`."""
