"""A run: a training's folder, opened to use the network it holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import safetensors.torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError
from edgelens.runtime.host.files import replacing, write_text
from edgelens.runtime.preprocess import PixelContract

from ..config import TrainConfig
from ..data.check import DataCheck
from ..tasks.catalog import TASKS, make_network, make_task
from .checkpoint import State
from .facts import RunFacts, facts_from_json

__all__ = ["AVERAGE", "BEST", "CHECK", "CURVE", "FACTS", "KNOWN", "LAST", "TUNED", "Run", "RunFacts"]

BEST, AVERAGE, LAST = "best.safetensors", "average.safetensors", "last.pt"
TUNED = "tuned.safetensors"  # what fine-tuning has come to, beside the best weights of a run that is whole without it
FACTS, SPLITS = "run.json", "splits.npz"
KNOWN = "known.npz"  # features of learned pictures, as a bundle has them
METRICS, STEPS, CHECK, CURVE = "metrics.csv", "steps.csv", "check.json", "learning-curve.csv"
STEP_COLUMNS = ["epoch", "step", "loss", "rate", "gradient_norm"]
SCHEMA = 2  # 1 had a temperature and a threshold in place of decode settings


@dataclass(frozen=True)
class Run:
    """A finished or interrupted training on disk."""

    path: Path
    config: TrainConfig
    facts: RunFacts

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """The run in a folder; its weights are read by `model()`."""
        folder = Path(path)
        file = folder / FACTS
        try:
            values = json.loads(file.read_text("utf-8"))
        except NotADirectoryError:
            what = "a bundle" if folder.suffix == ".edge" else "a file"
            raise DataError(
                f"{folder}: is {what}; give the folder of a training run, as `edgelens train` writes it"
            ) from None
        except FileNotFoundError:
            raise DataError(f"{folder}: is no run: it has no {FACTS}; `edgelens train` writes one") from None
        except (OSError, ValueError) as error:
            raise DataError(f"{file}: could not be read ({error})") from None
        try:
            if values["schema"] > SCHEMA:
                raise DataError(f"{file}: was written by a newer edgelens; update this one")
            run = cls(folder, TrainConfig.from_json(values["config"]), facts_from_json(values["facts"]))
        except (KeyError, TypeError) as error:
            raise DataError(f"{file}: is no run's description ({error})") from None
        if run.config.task not in TASKS:
            raise DataError(f"{file}: its task {run.config.task!r} is none of this edgelens's: {', '.join(TASKS)}")
        return run

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the network's outputs."""
        return self.facts.classes

    @property
    def pixels(self) -> PixelContract:
        """The picture that the network looks at."""
        return self.facts.pixels

    @property
    def decode(self) -> Decode:
        """How its outputs become recognitions."""
        return Decode(**self.facts.decode | {"background": tuple(self.facts.decode.get("background", ()))})

    @property
    def training_best(self) -> Path:
        """Where the loop puts its best weights: what a whole run answers with is not exchanged before its figures."""
        return self.path / (TUNED if self.facts.provisional else BEST)

    def network(self) -> nn.Module:
        """The network with random weights."""
        return make_network(self.config, self.classes, self.pixels)

    def model(self) -> nn.Module:
        """The network with its best weights, on the CPU, ready to be asked."""
        network = self.network()
        file = self.path / BEST
        try:
            network.load_state_dict(safetensors.torch.load_file(file))
        except FileNotFoundError:
            raise DataError(f"{self.path}: has no {BEST} yet: no epoch was finished") from None
        except (SafetensorError, RuntimeError, OSError) as error:
            raise DataError(f"{file}: is not this run's weights ({str(error).splitlines()[0]})") from None
        return network.eval()

    def split(self, name: str) -> ImageSet:
        """The very samples that the run had in a split, from the original data."""
        return self.split_all((name,))[name]

    @property
    def judged_splits(self) -> tuple[str, ...]:
        """The splits whose answers the figures are of: validation's, or all that were cross-validated."""
        return tuple(str((self.facts.metrics or {}).get("judged", "val")).split("+"))

    @property
    def judged_count(self) -> int:
        """How many samples the run's figures are of."""
        return sum(self.facts.data["images"][name] for name in self.judged_splits)

    @property
    def learned_splits(self) -> tuple[str, ...]:
        """The splits whose samples the network learned: a head that cross-validation judges has learned them all."""
        return tuple(dict.fromkeys(("train", *(self.judged_splits if len(self.judged_splits) > 1 else ()))))

    @property
    def expected(self) -> str:
        """The figure of samples that were not learned, as far as the training could tell; empty where it could not."""
        return self.figure if self.facts.metrics is not None and "val" in self.judged_splits else ""

    @property
    def figure(self) -> str:
        """A finished run's score with its interval, in words."""
        score = make_task(self.config, self.classes).score
        return score.with_interval((self.facts.metrics or {})[f"val_{score.name}"], self.judged_count)

    @property
    def judged_names(self) -> list[str]:
        """Their names, in the order that their answers are kept in."""
        return [name for name, split in self._split_of().items() if split in self.judged_splits]

    @property
    def judged_groups(self) -> list[str]:
        """The group of each, likewise; an earlier kit's run knows none, and each stands for itself."""
        group_of = dict(zip(*self._stored_splits("names", "groups"), strict=True))
        return [group_of[name] for name in self.judged_names]

    def judged(self) -> ImageSet:
        """These samples."""
        return self.split("val") if self.judged_splits == ("val",) else self._of(self.judged_splits)

    @property
    def unfinished(self) -> str:
        """How far a training came that has not ended, and how it goes on; empty where it has."""
        if self.facts.metrics is not None:
            return ""
        history = self.path / METRICS
        epochs = max(len(history.read_text("utf-8").splitlines()) - 1, 0) if history.exists() else 0
        return (
            f"{self.path} is not finished: {epochs} of {self.config.epochs} epochs are trained; go on with"
            f" edgelens train --resume {self.path}"
        )

    @property
    def started(self) -> str:
        """Whose weights it started from, without the folders that earlier kits named; empty where that was chance."""
        said, start = self.facts.started or "", self.config.start
        return said.replace(start, Path(start).name) if start else said

    def names_of(self, splits: Sequence[str]) -> set[str]:
        """The samples of some splits, by name."""
        return {name for name, split in self._split_of().items() if split in splits}

    def _of(self, splits: Sequence[str]) -> ImageSet:
        images = make_task(self.config).open_data(self.config.data_config())
        where = self._split_of()
        return images.select(np.array([where.get(sample) in splits for sample in images.names], bool))

    def split_all(self, names: Sequence[str]) -> dict[str, ImageSet]:
        """Several splits, the data opened once."""
        images = make_task(self.config).open_data(self.config.data_config())
        where, there = self._split_of(), set(images.names)
        parts = {}
        for name in names:
            rows = np.array([where.get(sample) == name for sample in images.names], bool)
            if gone := {sample for sample, split in where.items() if split == name} - there:
                raise DataError(f"{self.config.data}: {len(gone)} images of the run's {name} split are no longer there")
            parts[name] = images.select(rows)
        return parts

    def _split_of(self) -> dict[str, str]:
        """The split of every sample."""
        return dict(zip(*self._stored_splits("names", "splits"), strict=True))

    def _stored_splits(self, *columns: str) -> list[list[str]]:
        """What is kept of every sample; of a kit that kept no groups, its name for its group."""
        try:
            with (self.path / SPLITS).open("rb") as stream, np.load(stream) as stored:
                return [stored[name if name in stored else "names"].tolist() for name in columns]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise DataError(f"{self.path / SPLITS}: is not there or damaged; train once more") from error

    def write(self) -> None:
        """Write `run.json`."""
        values = {"schema": SCHEMA, "config": self.config.as_json(), "facts": asdict(self.facts)}
        write_text(self.path / FACTS, json.dumps(values, indent=1, ensure_ascii=False))

    def write_history(self, state: State) -> None:
        """Write `metrics.csv`, one row an epoch, and `steps.csv`, about a hundred an epoch."""
        columns = list(dict.fromkeys(name for row in state.history for name in row))
        epochs = [[row.get(name, "") for name in columns] for row in state.history]
        for file, header, rows in ((METRICS, columns, epochs), (STEPS, STEP_COLUMNS, state.steps)):
            lines = [",".join(f"{v:.8g}" if isinstance(v, float) else str(v) for v in row) for row in rows]
            write_text(self.path / file, "\n".join([",".join(header), *lines]) + "\n")

    def write_check(self, check: DataCheck) -> None:
        """Write what the data check found, for the report."""
        write_text(self.path / CHECK, json.dumps(asdict(check), indent=1))

    def write_splits(self, names: list[str], splits: NDArray[np.str_], groups: list[str]) -> None:
        """Write which sample is in which split, and in which group."""
        with replacing(self.path / SPLITS) as stream:
            np.savez_compressed(stream, names=np.array(names), splits=splits, groups=np.array(groups))
