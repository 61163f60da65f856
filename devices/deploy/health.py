"""Whether a service that was just started does its work: it starts, sees frames or says why not, and answers."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from edgelens.runtime.live.line import line_to
from edgelens.runtime.live.running import running_here
from edgelens.runtime.live.status_socket import ask_socket

from .systemd import State, Systemd

__all__ = ["Health", "HealthLimits", "start_and_watch"]


@dataclass(frozen=True)
class HealthLimits:
    """How long what may take."""

    steady_s: float = 4.0  # it must not end again for so long
    answers_s: float = 5.0


@dataclass(frozen=True)
class Health:
    """What came of a start."""

    ok: bool
    words: str  # what the service says of itself, or why it is not well


def start_and_watch(systemd: Systemd, *, page: bool, limits: HealthLimits | None = None) -> Health:
    """Start the service anew and look at it; `page` tells whether it must have one to be asked on."""
    limits = limits or HealthLimits()
    if not systemd.restart():
        return Health(False, f"it did not start: {systemd.last_words()}")
    now = first = systemd.state()
    ends = time.monotonic() + limits.steady_s
    while time.monotonic() < ends:
        now = systemd.state()
        if not now.active or now.pid != first.pid:
            return Health(False, f"it started and ended again: {systemd.last_words()}")
        time.sleep(min(0.5, limits.steady_s))
    if (trouble := _unanswered(now, limits.answers_s, page=page)) is not None:
        return Health(False, trouble)
    return Health(True, now.status or "runs")


def _unanswered(state: State, within_s: float, *, page: bool) -> str | None:
    """Why the service gave no health, None where it did: on its page, or on its socket where it has none."""
    notes = [running for running in running_here() if running.pid == state.pid]
    pages = [running.url for running in notes if running.url]
    if pages:
        return _unanswered_page(pages[0], within_s)
    if page:
        return "it serves no page to be asked for its health (`--no-preview` among the run options is for that)"
    sockets = [running.socket for running in notes if running.socket]
    try:
        said = bool(ask_socket(sockets[0])) if sockets else False
    except (OSError, ValueError) as error:
        return f"it does not answer how it is ({error})"
    return None if said else "it does not answer how it is"


def _unanswered_page(url: str, within_s: float) -> str | None:
    address = urlsplit(url)
    connection = line_to(address, address.port, within_s, found_here=True)
    try:
        connection.request("GET", "/v1/health")
        answer = connection.getresponse()
        answer.read(1 << 16)
    except (OSError, http.client.HTTPException) as error:
        return f"it does not answer /v1/health within {within_s:g} s ({error})"
    finally:
        connection.close()
    return None if answer.status == 200 else f"its health is {answer.status}"
