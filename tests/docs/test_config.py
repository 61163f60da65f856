"""The page on `--config` lists every key that the code knows, each beside its option, and its example is one."""

from __future__ import annotations

import re
from pathlib import Path

from edgelens.runtime.loop.config import SourcePlan, known_keys, read_config

PAGE = Path(__file__).resolve().parents[2] / "docs" / "config.md"
ROW = re.compile(r"^\| `(\w+)` \| (?:`(--[\w-]+)` )?\|", re.MULTILINE)


def test_the_page_lists_the_keys_that_there_are() -> None:
    assert dict(ROW.findall(PAGE.read_text())) == known_keys()


def test_its_example_is_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "cameras.toml").write_text(example)
    door, other = read_config(str(tmp_path / "cameras.toml"), SourcePlan())
    assert (door.name, door.agree, other.given["size"], other.threshold) == ("door", (2, 4), (1280, 720), 0.9)
