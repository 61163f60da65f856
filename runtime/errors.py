"""The kit's errors: one line for people each, with the exit code the command line gives it."""

from __future__ import annotations

__all__ = [
    "BundleError",
    "DataError",
    "DeviceError",
    "EdgelensError",
    "ImageError",
    "ModelError",
    "SourceError",
    "UsageError",
    "WorkError",
]


class EdgelensError(Exception):
    """Something a person can mend; the message says what, where and what to do in one line."""

    exit_code = 2

    def __init__(self, message: str = "", *, unsaid: str = "") -> None:
        super().__init__(message)
        self.unsaid = unsaid  # the option, as it is written, that would say what a file leaves open


class UsageError(EdgelensError):
    """The options do not fit together or name something that is not there."""


class BundleError(EdgelensError):
    """A .edge file is broken, tampered with, or newer than this kit."""


class ModelError(EdgelensError):
    """A model file cannot be read, or nothing here knows how to read its outputs."""


class ImageError(EdgelensError):
    """An image cannot be decoded, or is refused before decoding."""


class DataError(EdgelensError):
    """A data set is missing, empty, or not of the format it was said to be."""


class SourceError(EdgelensError):
    """A camera, stream, video or folder cannot be opened."""


class DeviceError(EdgelensError):
    """A board cannot be reached, or lacks what the work needs."""

    exit_code = 1


class WorkError(EdgelensError):
    """The input was fine and the work failed: a check outside its limits, no space left, a lost device."""

    exit_code = 1
