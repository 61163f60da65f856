"""Start an emulated board to work with by hand: `python tests/board/start.py pi5 trixie FOLDER`, then `. FOLDER/env`.

FOLDER must be new. The file env sets EDGELENS_SSH_COMMAND, HOST, WHEELS, HOME_OF_BOARD and SSHD, the server's process;
`kill $SSHD` ends the board.
"""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path
from types import ModuleType


def fixtures() -> ModuleType:
    """The module of the tests' own boards."""
    path = Path(__file__).resolve().parent.parent / "devices" / "conftest.py"
    spec = importlib.util.spec_from_file_location("board_fixtures", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Start it and say how it is reached."""
    name, suite, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3]).resolve()
    boards = fixtures()
    if reason := boards.why_not(suite):
        raise SystemExit(reason)
    folder.mkdir(parents=True)
    board = boards.board_in(folder, name, suite)
    settings = {
        "EDGELENS_SSH_COMMAND": board.command,
        "HOST": board.host,
        "WHEELS": board.wheels,
        "HOME_OF_BOARD": board.home,
        "SSHD": boards.start_sshd(folder),
    }
    lines = [f"export {key}={shlex.quote(str(value))}\n" for key, value in settings.items()]
    (folder / "env").write_text("".join(lines))
    print("".join(lines), end="")


if __name__ == "__main__":
    main()
