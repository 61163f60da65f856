"""What to try next with a reader: rules from figures to one finding each."""

from __future__ import annotations

from collections.abc import Callable

from ...report.advice import Advice, advised, share_words
from .answers import Answers

__all__ = ["advise"]

_LEARNT = 0.05  # of the characters of training pictures that may be wrong
_FEW = 500  # texts, which more of them help most
_GAP = 0.1  # of the texts, between training and validation pictures


def advise(said: Answers) -> list[Advice]:
    """Everything that the figures point at, the most serious first; one encouraging word where they point nowhere."""
    fine = f"{share_words(said.metrics['accuracy'])} of the texts are read exactly, about as on training images."
    return advised(said.found, (rule(said) for rule in _RULES), fine)


def _under_fitting(said: Answers) -> Advice | None:
    wrong = said.train["character_error_rate"]
    if wrong <= _LEARNT:
        return None
    config = said.found.config
    size = said.found.pixels
    return Advice(
        "under-fitting",
        "bad",
        "It has not learnt the training pictures",
        f"{share_words(wrong)} of the characters are wrong even on training images.",
        (
            "more time: `--minutes`" if config.minutes else "more epochs: `--epochs`, or `--recipe best`",
            f"where characters are narrow or small, a larger picture: `--size {size.height}x{size.width * 3 // 2}`",
        ),
    )


def _over_fitting(said: Answers) -> Advice | None:
    learnt, judged = said.train["accuracy"], said.metrics["accuracy"]
    if said.train["character_error_rate"] > _LEARNT or learnt - judged < _GAP:
        return None
    return Advice(
        "over-fitting",
        "warn",
        "It learns the training pictures by heart",
        f"{share_words(learnt)} of the texts are read exactly on training, {share_words(judged)} on validation images.",
        (*_other_pictures(said), "`--augment default+camera`: a cheap camera's faults"),
    )


def _few_texts(said: Answers) -> Advice | None:
    texts = sum(said.found.check.get("counts", {}).get("train", {}).values())
    if not 0 < texts < _FEW:
        return None
    evidence = f"It has {texts:,} texts to learn from; 100 are a start, 1,000 read well."
    return Advice("few", "warn", "There is little to learn from", evidence, _other_pictures(said))


def _other_pictures(said: Answers) -> tuple[str, ...]:
    """Where more texts come from."""
    if said.found.config.written:
        return ("more pictures",)
    return ("more pictures", "half of them written anew with this machine's fonts: `--written 0.5`")


_RULES: tuple[Callable[[Answers], Advice | None], ...] = (_under_fitting, _over_fitting, _few_texts)
