"""Signs of life: a running trial says every half minute that it is still worked on, in whatever storage the study has.

Optuna's own heartbeat knows databases only; this one works for journal files too.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from types import TracebackType
from typing import Any

import optuna

__all__ = ["Heartbeat", "first_try", "requeue", "requeue_abandoned"]

EVERY_S = 30.0
SILENT_S = 150.0  # after so long without a sign a trial is taken for abandoned
MOST_TRIES = 3


class Heartbeat:
    """Tells the storage, while it is open, that a trial is being worked on."""

    def __init__(self, trial: Any, every_s: float = EVERY_S) -> None:
        self._trial, self._every_s = trial, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._trial.set_user_attr("worker", f"{socket.gethostname()}:{os.getpid()}")
        self._trial.set_user_attr("alive", time.time())
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._every_s):
            with contextlib.suppress(Exception):  # a storage that is away for a moment is no reason to stop training
                self._trial.set_user_attr("alive", time.time())


def requeue_abandoned(study: Any, silent_s: float = SILENT_S) -> int:
    """Put trials whose worker died back into the queue, each at most so often; how many were."""
    count = 0
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        if not _abandoned(trial, silent_s):
            continue
        try:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        except ValueError:  # another process saw it first
            continue
        count += requeue(study, trial)
    return count


def requeue(study: Any, trial: Any) -> bool:
    """Let somebody try a trial's settings again, unless that was tried often enough."""
    tries = int(trial.user_attrs.get("tries", 1))
    if tries >= MOST_TRIES or not trial.params:
        return False
    study.enqueue_trial(trial.params, user_attrs={"tries": tries + 1, "first": first_try(trial)})
    return True


def first_try(trial: Any) -> int:
    """The number of the trial that this one goes on with, else its own."""
    return int(trial.user_attrs.get("first", trial.number))


def _abandoned(trial: Any, silent_s: float) -> bool:
    host, _, pid = str(trial.user_attrs.get("worker", "")).rpartition(":")
    if host == socket.gethostname() and pid.isdigit() and int(pid) != os.getpid():
        return not _runs(int(pid))
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return bool(time.time() - float(trial.user_attrs.get("alive", started)) > silent_s)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
