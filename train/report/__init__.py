"""The run as one self-contained page: what every task's report is put together from; its sections are the task's own."""
