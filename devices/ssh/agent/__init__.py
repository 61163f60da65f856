"""The device's half of a connection: its files are sent as text over SSH and run by whatever python3 the device has.

Standard library only, and nothing newer than Python 3.7, so that an old device can say that it is too old. Messages
are a line of JSON, followed by `size` bytes where it names a size; both directions the same. When the connection ends,
whatever was started is stopped and what lay in the work folder is removed. Layers stay, and what Python compiled of
them; so does `launch.py`: a deploy copies it beside the slots, to start what was deployed.

Plain os.path and late imports start faster on a small board.
"""
