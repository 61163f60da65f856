"""What a program and an RTSP camera say to each other, with the camera's address and log-in put in on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from .credentials import Address
from .http_login import authorization, challenges

__all__ = ["RtspDialogue"]

_REQUEST = re.compile(r"(?P<method>[A-Z_]+) (?P<target>\S+) RTSP/")
_CSEQ = re.compile(r"(?<=\r\n)CSeq[ \t]*:[ \t]*(\d+)", re.IGNORECASE)
_CHALLENGE = re.compile(r"(?<=\r\n)WWW-Authenticate[ \t]*:[ \t]*(.*?)(?=\r\n)", re.IGNORECASE)
_LOCATION = re.compile(r"(?<=\r\n)Location[ \t]*:[ \t]*(.*?)(?=\r\n)", re.IGNORECASE)
_STATUS = re.compile(r"RTSP/\d\.\d[ \t]+(\d+)")
UNAUTHORIZED, TRIES = 401, 2
UNANSWERED = 20  # requests that are remembered: some cameras let calls that keep a session alive go unanswered


@dataclass(frozen=True)
class _Asked:
    text: str
    method: str
    target: str
    number: str  # the CSeq that the program knows
    with_login: bool = False
    again: int = 0  # how many times a challenge was answered


class RtspDialogue:
    """Requests of a program that takes `own` for the camera, and the camera's answers."""

    def __init__(self, address: Address, own: str) -> None:
        self._address, self._own = address, own
        self._real = f"{urlsplit(address.url).scheme}://{urlsplit(address.url).netloc}"
        self._asked: dict[int, _Asked] = {}  # what was not answered yet, by the CSeq that the camera knows
        self._count = self._logins = 0  # requests sent, and those of them that answered the last challenge
        self._challenge: str | None = None
        self.description: str | None = None  # the SDP, when the camera has given it
        self.answered = self.refused = False
        self.moved_to: str | None = None  # where the camera sends its viewers
        self.unfit = ""  # why this dialogue cannot be had through a third one

    def request(self, message: bytes) -> bytes:
        """A request as the camera is to get it."""
        text = message.decode("latin-1")
        begun = _REQUEST.match(text)
        if begun is None:
            return message
        target = begun["target"]
        if target.startswith(self._own):
            target = self._real + target[len(self._own) :]
        elif not self._count:
            raise ValueError("a program that does not know the address it was given")
        text = f"{text[: begun.start('target')]}{target}{text[begun.end('target') :]}"
        number = _CSEQ.search(text)
        return self._sent(_Asked(text, begun["method"], target, number[1] if number else ""))

    def answer(self, message: bytes) -> tuple[bytes, bytes]:
        """What goes on to the program, and what goes back to the camera: the request again, with a log-in."""
        text = message.decode("latin-1")
        status = _STATUS.match(text)
        number = _CSEQ.search(text)
        asked = self._asked.pop(int(number[1]), None) if status is not None and number is not None else None
        if status is None or asked is None:
            return message, b""
        self.answered = True
        if int(status[1]) == UNAUTHORIZED:
            if self._challenged(text, asked):
                return b"", self._sent(replace(asked, again=asked.again + 1))
            self.refused = True
        elif status[1].startswith("3"):
            self.unfit = "sends its viewers to another address"
            place = _LOCATION.search(text)
            self.moved_to = place[1] if place else ""
            return b"", b""
        elif asked.method == "DESCRIBE":
            self.description = text.partition("\r\n\r\n")[2]
        return _CSEQ.sub(f"CSeq: {asked.number}", text, count=1).encode("latin-1"), b""

    def _challenged(self, text: str, asked: _Asked) -> bool:
        """Whether a 401 can be answered; not one that says that user or password are wrong."""
        self._challenge, self._logins = None, 0
        for challenge in challenges(_CHALLENGE.findall(text)):
            stale = re.search(r"stale\s*=\s*\"?true", challenge, re.IGNORECASE) is not None
            known = self._login(asked, challenge) is not None
            if known and asked.again < TRIES and (stale or not asked.with_login):
                self._challenge = challenge
                return True
        return False

    def _sent(self, asked: _Asked) -> bytes:
        self._count, self._logins = self._count + 1, self._logins + 1
        login = self._login(asked, self._challenge)
        text = _CSEQ.sub(f"CSeq: {self._count}", asked.text, count=1)
        if login is not None:
            line, _, rest = text.partition("\r\n")
            text = f"{line}\r\nAuthorization: {login}\r\n{rest}"
        self._asked[self._count] = replace(asked, with_login=login is not None)
        self._asked.pop(self._count - UNANSWERED, None)
        return text.encode("latin-1")

    def _login(self, asked: _Asked, challenge: str | None) -> str | None:
        user, password = self._address.user, self._address.password
        if challenge is None or not (user or password):
            return None
        return authorization(challenge, user, password, asked.target, method=asked.method, count=self._logins)
