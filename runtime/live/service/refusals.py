"""What becomes of a request that cannot be done: a status, and one line that says why."""

from __future__ import annotations

import json
from collections.abc import Callable

from ...errors import EdgelensError, ImageError
from ..http.limits import BodyError
from .upload import TooLargeError

__all__ = ["answered", "wrong"]


def answered(body: bytes, work: Callable[[], bytes], *, fault: int = 400) -> tuple[int, bytes]:
    """What work on a body answers, or its refusal; `fault` is the status of what is not the asker's own."""
    try:
        return 200, work()
    except BodyError as error:
        return error.status, wrong(error.text)
    except TooLargeError as error:
        return 413, wrong(str(error))
    except ImageError as error:
        return (400 if body else 411), wrong(str(error))
    except EdgelensError as error:
        return (400 if error.exit_code == 2 else fault), wrong(str(error))


def wrong(text: str) -> bytes:
    """A refusal's body."""
    return json.dumps({"error": text}, ensure_ascii=False).encode()
