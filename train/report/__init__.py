"""The run as one self-contained page: what every task's report is put together from; the sections are the task's."""
