"""The ids that galleries on devices are kept under stay what they are, whatever a contract learns to say."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import nn

from edgelens.compress.proof.feature_space import feature_space
from edgelens.runtime.preprocess import PixelContract

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)


def network() -> nn.Module:
    layer = nn.Linear(3, 2, bias=False)
    layer.weight.data = torch.from_numpy(WEIGHT)
    return layer


def id_of(contract: str) -> str:
    return hashlib.sha256(contract.encode() + b"weight" + WEIGHT.tobytes()).hexdigest()[:32]


def test_a_contract_is_spelled_as_the_first_kit_did_it() -> None:
    spelled = (
        "PixelContract(height=32, width=64, color='gray', resize='crop', filter='halves', pad=128, anchor='center')"
    )
    assert feature_space(network(), PixelContract(32, 64, "gray")) == id_of(spelled)


def test_a_later_field_counts_where_it_says_something() -> None:
    spelled = (
        "PixelContract(height=32, width=64, color='rgb', resize='crop', filter='halves', pad=128, anchor='center',"
        " widths=(64, 96))"
    )
    assert feature_space(network(), PixelContract(32, 64, widths=(64, 96))) == id_of(spelled)
