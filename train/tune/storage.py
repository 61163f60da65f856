"""Where a study lives: a SQLite file, a journal file, or the URL of any database that Optuna speaks to."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy.pool import NullPool

from edgelens.runtime.errors import UsageError, WorkError

from ..task import Score
from .pruner import HopelessPruner
from .space import Space, space_as_json

__all__ = ["open_study", "score_of"]

_ATTEMPTS = 5
_SQLITE, _JOURNAL = (".db", ".sqlite", ".sqlite3"), (".journal", ".log")


def open_study(where: str, name: str, *, space: Space, data: str, score: Score, prune: bool) -> Any:
    """The study of this name, made if it is not there; one of another data set, space or score is refused."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = HopelessPruner() if prune else optuna.pruners.NopPruner()
    for attempt in range(_ATTEMPTS):
        try:
            study = optuna.create_study(
                study_name=name,
                storage=_storage(where),
                direction="maximize" if score.more else "minimize",
                pruner=pruner,
                load_if_exists=True,
            )
            break
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001  every database has errors of its own
            # two processes that make the tables at the same moment: the second attempt finds them made
            if attempt == _ATTEMPTS - 1:
                reason = str(error).splitlines()[0]
                raise WorkError(f"--study {where}: could not be opened ({reason})") from None
            time.sleep(0.3 * (attempt + 1))
    _same(study, where, {"space": space_as_json(space), "data": data, "score": asdict(score)})
    return study


def score_of(study: Any) -> Score:
    """What its trials are compared by."""
    return Score(**study.user_attrs["score"])


def _storage(where: str) -> Any:
    if "://" in where:
        return optuna.storages.RDBStorage(where)
    path = Path(where)
    if path.suffix not in (*_SQLITE, *_JOURNAL):
        raise UsageError(f"--study {where}: must end in .db (SQLite) or .journal, or be a URL such as postgresql://…")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in _JOURNAL:
        return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    # processes that share the file wait for each other instead of failing, and keep it open only while they use it
    how = {"connect_args": {"timeout": 60}, "poolclass": NullPool}
    return optuna.storages.RDBStorage(f"sqlite:///{path.resolve()}", engine_kwargs=how)


def _same(study: Any, where: str, said: dict[str, Any]) -> None:
    said = json.loads(json.dumps(said))
    for key, value in said.items():
        stored = study.user_attrs.get(key)
        if stored is None:
            study.set_user_attr(key, value)
        elif stored != value:
            raise UsageError(
                f"--study {where}: study {study.study_name!r} searches another {key}; give this one another --name"
            )
