"""Whose bundle it is: the list of accepted keys means what OpenSSH means; what is not understood accepts nothing."""

from __future__ import annotations

import dataclasses
import random
import shutil
import struct
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from key_lists import MESSAGE, Keyring, key_list, make_keyring, openssh_accepts

from edgelens.cli import cli
from edgelens.devices.bench.cases import Selection, cases_of
from edgelens.devices.deploy.signing import sign_bundle
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import SIGNATURE
from edgelens.runtime.bundle.signature import NAMESPACE, accepted_keys_file, accepts, check_accepted, insist_on_keys
from edgelens.runtime.bundle.signers import parse_signers
from edgelens.runtime.errors import BundleError, EdgelensError, WorkError
from edgelens.runtime.model import inspection
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return make_keyring(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this device's list would be."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    accepted_keys_file().parent.mkdir(parents=True)
    return accepted_keys_file()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    builtin = open_model("digits").path
    assert builtin is not None
    return Path(shutil.copy(builtin, tmp_path / "mine.edge"))


@pytest.fixture
def signed(bundle: Path, keys: Keyring) -> Path:
    sign_bundle(str(bundle), str(keys.folder / "one"))
    return bundle


def test_the_verdict_is_opensshs(keys: Keyring, tmp_path: Path) -> None:
    """A sample; `python -m tests.fuzz signers --count 20000` goes on."""
    verdicts = []
    for case in range(14):
        chance = random.Random(case)
        text, signer = key_list(chance, keys), chance.choice(list(keys.signatures))
        theirs = openssh_accepts(keys, text, signer, tmp_path)
        assert accepts(MESSAGE, keys.signatures[signer], parse_signers(text, NAMESPACE, "edgelens")) == theirs, text
        verdicts.append(theirs)
    assert True in verdicts
    assert False in verdicts


def test_what_a_list_says_of_a_key_counts(keys: Keyring) -> None:
    one, authority = keys.public["one"], keys.public["authority"]
    own = 'me namespaces="edgelens-bundle"'

    def accepted(text: str, signer: str = "one") -> bool:
        return accepts(MESSAGE, keys.signatures[signer], parse_signers(text.encode(), NAMESPACE, "edgelens"))

    for good in (
        one,
        f"{own} {one}",
        f"me {one}",
        f'me valid-before="20990101" {one}',
        f"rubbish\n{one}\nmore",
        f"\t{one}\r",
    ):
        assert accepted(good), good
    for bad in (
        "", f"# {one}", f"  # {one}", f"@revoked {one}", f"{one}\n@revoked {one}", f"@revoked me {one}\n{own} {one}",
        f"@cert-authority {one}", f"cert-authority {one}", f"me cert-authority {one}", f'valid-before="20200101" {one}',
        f'me valid-before="20200101" {one}', f'me valid-after="20990101" {one}', f'me namespaces="file" {one}',
        f'namespaces="file" {one}', f'from="*" {one}', f"{one}\n@revoked what", keys.public["two"],
    ):  # fmt: skip
        assert not accepted(bad), bad
    assert accepted(f"alice@example.com cert-authority {authority}", "cert")
    assert not accepted(f"alice@example.com cert-authority {authority}", "foreign")
    assert not accepted(f"alice@example.com cert-authority {authority}", "expired")
    assert not accepted(f"alice@example.com cert-authority {authority}\n@revoked {authority}", "cert")
    assert not accepted(authority, "cert"), "an authority is one only where the list says so"


def test_revoked_keys_beside_the_list_count(signed: Path, listed: Path, keys: Keyring) -> None:
    listed.write_text(keys.public["one"] + "\n")
    check_accepted(Bundle.open(signed))
    listed.with_name("revoked_keys").write_text(keys.public["two"] + "\n")
    check_accepted(Bundle.open(signed))
    listed.with_name("revoked_keys").write_text(keys.public["one"] + "\n")
    with pytest.raises(BundleError, match="none of this device's accepted keys"):
        check_accepted(Bundle.open(signed))


def test_a_list_that_is_gone_accepts_nothing(signed: Path, listed: Path, keys: Keyring) -> None:
    check_accepted(Bundle.open(signed))  # there never was one
    listed.write_text(keys.public["one"] + "\n")
    check_accepted(Bundle.open(signed))
    listed.unlink()
    with pytest.raises(WorkError, match="accepted_keys: the list of accepted keys is gone: nothing is accepted"):
        check_accepted(Bundle.open(signed))


@pytest.mark.parametrize("how", ["link", "folder", "others may write it", "empty"])
def test_a_list_that_others_could_have_made_accepts_nothing(
    signed: Path, listed: Path, keys: Keyring, tmp_path: Path, how: str
) -> None:
    real = tmp_path / "elsewhere"
    real.write_text(keys.public["one"] + "\n")
    if how == "link":
        listed.symlink_to(real)
    elif how == "folder":
        listed.mkdir()
    elif how == "empty":
        listed.write_text("\n")
    else:
        shutil.copy(real, listed)
        listed.chmod(0o666)
    with pytest.raises(EdgelensError, match=r"nothing is accepted|is empty") as refused:
        check_accepted(Bundle.open(signed))
    assert "\n" not in str(refused.value)


def test_what_runs_is_checked_at_every_start(bundle: Path, listed: Path, keys: Keyring, tmp_path: Path) -> None:
    listed.write_text(keys.public["one"] + "\n")
    with pytest.raises(BundleError, match="is not signed"), BundleRecognizer(Bundle.open(bundle)):
        pass
    said = CliRunner().invoke(cli, ["run", str(bundle), "--source", "demo", "--no-preview", "--duration", "0.1"])
    assert isinstance(said.exception, BundleError), "what `run --on` starts on a device is this verb"
    with BundleRecognizer(open_model("digits")):
        pass  # the kit's own
    sign_bundle(str(bundle), str(keys.folder / "one"))
    with BundleRecognizer(Bundle.open(bundle)):
        pass
    sign_bundle(str(bundle), str(keys.folder / "two"))
    with pytest.raises(BundleError, match="none of this device's"), BundleRecognizer(Bundle.open(bundle)):
        pass
    with pytest.raises(BundleError, match="carries no signature"):
        check_accepted(Bundle(Bundle.open(bundle).manifest))


def test_neither_inspect_nor_bench_runs_what_is_not_accepted(
    bundle: Path, listed: Path, keys: Keyring, tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = shared / "models/mlperf_tiny/pretrainedResnet_quant.tflite"
    listed.write_text(keys.public["one"] + "\n")
    monkeypatch.setattr(inspection, "why_not", lambda *_: pytest.fail("it was run"))
    (files,) = [network["files"] for network in inspection.inspect_model(str(bundle))["networks"].values()]
    assert all("is not signed" in file["problem"] for file in files)
    assert "carries no signature" in inspection.inspect_model(str(bare))["problem"]
    for model, words in ((bundle, "is not signed"), (bare, "carries no signature")):
        with pytest.raises(BundleError, match=words):
            cases_of(str(model), Selection(), 1, tmp_path)
    sign_bundle(str(bundle), str(keys.folder / "one"))
    assert cases_of(str(bundle), Selection(), 1, tmp_path)


def test_a_bundle_exchanged_behind_its_manifest_is_refused(signed: Path, listed: Path, keys: Keyring) -> None:
    listed.write_text(keys.public["one"] + "\n")
    opened = Bundle.open(signed)
    changed = dict(opened.manifest.entries)
    changed[next(iter(changed))] = "0" * 64
    evil = dataclasses.replace(opened, manifest=dataclasses.replace(opened.manifest, entries=changed))
    with pytest.raises(BundleError, match="was exchanged"):
        check_accepted(evil)


def test_a_damaged_signature_is_one_line(signed: Path, listed: Path, keys: Keyring) -> None:
    listed.write_text(keys.public["one"] + "\n")
    with zipfile.ZipFile(signed) as archive:
        info = archive.getinfo(SIGNATURE)
    data = bytearray(signed.read_bytes())
    name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
    data[info.header_offset + 30 + name + extra + 40] ^= 1
    signed.write_bytes(data)
    with pytest.raises(BundleError, match="damaged"):
        check_accepted(Bundle.open(signed))


def test_what_is_no_signature_is_nobodys(keys: Keyring) -> None:
    """Whoever made the bundle wrote it, and the zip around it is sound."""
    signers = parse_signers(keys.public["one"].encode(), NAMESPACE, "edgelens")
    sound = keys.signatures["one"]
    begin, *body, end = sound.splitlines()
    armoured = (b"\n".join(lines) for lines in ([begin, b"!!!!", end], [begin, *body[:-1], end]))
    odd = (b"", b"\0", b"\xff" * 99, *armoured, sound[:120])
    assert accepts(MESSAGE, sound, signers)
    assert not any(accepts(MESSAGE, each, signers) for each in odd)


def test_without_ssh_keygen_nothing_is_accepted(
    signed: Path, listed: Path, keys: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed.write_text(keys.public["one"] + "\n")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(WorkError, match="install openssh-client"):
        check_accepted(Bundle.open(signed))


def test_insisting_twice_is_once(listed: Path) -> None:
    insist_on_keys(listed)
    insist_on_keys(listed)
    assert [path.name for path in listed.parent.iterdir()] == ["accepted_keys_only"]
