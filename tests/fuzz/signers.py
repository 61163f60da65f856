"""Lists of accepted keys: the kit's verdict is OpenSSH's, and what OpenSSH cannot read accepts nothing."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

from key_lists import MESSAGE, key_list, make_keyring, openssh_accepts

from edgelens.runtime.bundle.signature import NAMESPACE, accepts
from edgelens.runtime.bundle.signers import candidates, parse_signers

from .fuzzer import Attempt, Fuzzer
from .mutate import mutated

__all__ = ["FUZZER"]


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """Keys are made once."""
    keys = make_keyring(folder)

    def attempt(chance: random.Random) -> str:
        text = key_list(chance, keys)
        signer = chance.choice(list(keys.signatures))
        if chance.random() < 0.3:  # read without a word, whatever it is
            odd = parse_signers(mutated(chance, text), NAMESPACE, "edgelens")
            return repr(list(candidates(odd, mutated(chance, keys.signatures[signer]))))
        ours = accepts(MESSAGE, keys.signatures[signer], parse_signers(text, NAMESPACE, "edgelens"))
        theirs = openssh_accepts(keys, text, signer, folder)
        assert ours == theirs, f"{signer}: OpenSSH says {theirs} of {text!r}"
        return ""

    yield attempt


FUZZER = Fuzzer(opened)
