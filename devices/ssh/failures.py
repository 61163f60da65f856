"""What OpenSSH's last words mean, in one line with what to do."""

from __future__ import annotations

import re

from .hello import printable

__all__ = ["explain"]

# what ssh says → what happened and what to do; {host} is as it was asked for
_KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "{host}: its host key has changed: a new card, or another machine; if it is yours, `ssh-keygen -R {name}`",
    ),
    (
        r"Host key verification failed",
        "{host}: its host key is not known yet: connect once with `ssh {host}` and accept it",
    ),
    (r"Permission denied", "{host}: wrong user or key: the device refused the login (try `ssh {host}`)"),
    (
        r"Too many authentication failures",
        "{host}: too many keys were tried: name one with IdentityFile in ~/.ssh/config",
    ),
    (r"Could not resolve hostname", "{host}: no device of that name was found on the network"),
    (r"Connection refused", "{host}: answers, but has no SSH server running: `sudo systemctl enable --now ssh` there"),
    (r"(Connection|Operation) timed out|No route to host", "{host}: does not answer: is it on, and on this network?"),
    (
        r"python3: (not found|command not found)|exec: python3",
        "{host}: has no python3: `sudo apt install python3` there",
    ),
    (
        r"future feature annotations",
        "{host}: its Python is older than 3.7; the kit needs 3.10 or newer: update its system",
    ),
    (r"Exec format error", "{host}: its python3 does not start there"),
    (r"This account is currently not available|nologin", "{host}: this user may not log in there"),
)


def explain(host: str, stderr: str, status: int | None, doing: str) -> str:
    """One line for a connection that ended before its work was done."""
    name = re.sub(r"^(ssh://)?([^@]*@)?", "", host)
    for pattern, words in _KNOWN:
        if re.search(pattern, stderr):
            return words.format(host=host, name=name)
    last = stderr.strip().splitlines()[-1:] or [f"ssh ended with status {status}" if status is not None else "cut"]
    return (
        f"{host}: the connection was lost while {doing} ({printable(last[0], 160)}); "
        "run the same command again: what has arrived there is kept"
    )
