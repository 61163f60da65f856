"""Accepted keys are added, or replaced where that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgelens.devices.deploy.keys import KeyChange, keys_text
from edgelens.runtime.bundle.signature import read_keys
from edgelens.runtime.errors import UsageError, WorkError


def test_a_second_workstation_shuts_out_nobody(tmp_path: Path) -> None:
    listed, came = tmp_path / "accepted_keys", tmp_path / "came"
    for line in ("ssh-ed25519 AAAA one@home", "ssh-ed25519 BBBB two@work", "ssh-ed25519 AAAA one@elsewhere"):
        came.write_text(f"{line}\n")
        KeyChange.of(came, listed, only=False).finish()
    assert listed.read_text() == "ssh-ed25519 AAAA one@home\nssh-ed25519 BBBB two@work\n"
    KeyChange.of(came, listed, only=True).finish()
    assert listed.read_text() == "ssh-ed25519 AAAA one@elsewhere\n"
    listed.unlink()
    with pytest.raises(WorkError, match="nothing is accepted"):
        read_keys(listed)


def test_a_private_key_stays_here(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    with pytest.raises(UsageError, match="stays here"):
        keys_text([str(key)])


def test_until_a_change_is_done_both_lists_bundles_are_taken(tmp_path: Path) -> None:
    listed, came = tmp_path / "accepted_keys", tmp_path / "came"
    came.write_text("ssh-ed25519 BBBB new\n")
    with KeyChange.of(came, listed, only=True).begun():
        assert not listed.exists()  # every bundle is taken, as before
    listed.write_text("ssh-ed25519 AAAA old\n")
    change = KeyChange.of(came, listed, only=True)
    with pytest.raises(KeyError), change.begun():
        assert listed.read_text() == "ssh-ed25519 AAAA old\nssh-ed25519 BBBB new\n"
        raise KeyError
    assert listed.read_text() == "ssh-ed25519 AAAA old\n"
    change.finish()
    assert listed.read_text() == "ssh-ed25519 BBBB new\n"
