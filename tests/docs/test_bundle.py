"""The manifests that the format's page shows are ones that the kit reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgelens.runtime.bundle.manifest_json import dump_manifest, parse_manifest
from edgelens.runtime.decode.catalog import decoder_for

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bundle.md"
SHOWN = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("text", SHOWN, ids=["1.0", "2.0"])
def test_a_shown_manifest_is_read_and_written_in_the_format_that_it_names(text: str) -> None:
    whole = text.replace('"…"', f'"{"0" * 64}"').encode()
    manifest = parse_manifest(whole, PAGE.name)
    major = re.search(r'"format": "(\d)\.', text)
    assert major is not None and manifest.format[0] == int(major[1])
    assert parse_manifest(dump_manifest(manifest), "written again") == manifest
    for network in manifest.networks.values():
        decoder_for(network)
