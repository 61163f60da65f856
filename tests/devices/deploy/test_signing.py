"""Signatures with people's own SSH keys."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import MANIFEST, SIGNATURE
from edgelens.runtime.bundle.signature import NAMESPACE, check_signature
from edgelens.runtime.bundle.signers import Signers, parse_signers
from edgelens.runtime.errors import BundleError


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    for name, kind in (("mine", "ed25519"), ("other", "ecdsa")):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", folder / name], check=True)
    return {name: folder / name for name in ("mine", "other")}


def accepted(*paths: Path) -> Signers:
    text = b"".join(path.with_suffix(".pub").read_bytes() for path in paths)
    return parse_signers(text, NAMESPACE, "edgelens")


@pytest.fixture
def signed(make_bundle: Callable[..., Path], keys: dict[str, Path], tmp_path: Path) -> Path:
    path = Path(shutil.copy(make_bundle(version=3), tmp_path))
    done = CliRunner().invoke(cli, ["sign", str(path), "--key", str(keys["mine"])])
    assert done.exit_code == 0, done.exception
    return path


def test_a_signed_bundle_is_its_makers(signed: Path, keys: dict[str, Path]) -> None:
    bundle = Bundle.open(signed)
    assert bundle.manifest.content_version == 3
    check_signature(bundle, accepted(keys["mine"]))
    check_signature(bundle, accepted(keys["other"], keys["mine"]))
    with pytest.raises(BundleError, match="none of this device's accepted keys"):
        check_signature(bundle, accepted(keys["other"]))
    with pytest.raises(BundleError, match="empty"):
        check_signature(bundle, accepted())


def test_signing_twice_leaves_one_signature(signed: Path, keys: dict[str, Path]) -> None:
    CliRunner().invoke(cli, ["sign", str(signed), "--key", str(keys["other"])])
    assert zipfile.ZipFile(signed).namelist().count(SIGNATURE) == 1
    check_signature(Bundle.open(signed), accepted(keys["other"]))


def test_a_changed_manifest_is_found(signed: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    tampered = tmp_path / "tampered.edge"
    with zipfile.ZipFile(signed) as source, zipfile.ZipFile(tampered, "w") as target:
        for info in source.infolist():
            data = source.read(info)
            if info.filename == MANIFEST:
                data = data.replace(b'"content_version": 3', b'"content_version": 9')
            target.writestr(info, data)
    with pytest.raises(BundleError, match="tampered"):
        check_signature(Bundle.open(tampered), accepted(keys["mine"]))


def test_unsigned_and_bare_are_refused(make_bundle: Callable[..., Path], keys: dict[str, Path]) -> None:
    with pytest.raises(BundleError, match="is not signed"):
        check_signature(Bundle.open(make_bundle()), accepted(keys["mine"]))


def test_a_missing_key_is_one_line(make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["sign", str(make_bundle()), "--key", str(tmp_path / "none")])
    assert "no such key" in str(done.exception)
