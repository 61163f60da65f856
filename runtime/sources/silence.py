"""OpenCV and its FFmpeg kept quiet: what is wrong is said once, by the source, and without logins."""

from __future__ import annotations

import os

import cv2

__all__ = ["silence_opencv"]


def silence_opencv() -> None:
    """Called before a capture is opened; OPENCV_FFMPEG_LOGLEVEL and OPENCV_LOG_LEVEL of the user's own win."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
