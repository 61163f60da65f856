"""What keeps torch's writer from its stream is what its caller hears of."""

from __future__ import annotations

import errno
import io

import pytest
import torch

from edgelens.train.runs.torch_file import write_torch

VALUES = {"a": torch.arange(1000), "b": torch.ones(50)}


class Stopped(io.BytesIO):
    """A stream whose write number `at` does not go through."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__()
        self.left, self.error = at, error

    def write(self, data: object) -> int:
        self.left -= 1
        if self.left == 0:
            raise self.error
        return super().write(data)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [1, 2, 5, 14])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_what_stopped_it_is_raised(at: int, error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        write_torch(VALUES, Stopped(at, error))
    assert raised.value is error


def test_what_is_written_is_read() -> None:
    stream = io.BytesIO()
    write_torch(VALUES, stream)
    stream.seek(0)
    assert torch.equal(torch.load(stream, weights_only=True)["a"], VALUES["a"])
