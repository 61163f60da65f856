"""The manifest: its JSON schemas are pinned, and what is written is valid and read back the same.

After a change that is meant, `EDGELENS_WRITE_SCHEMA=1 pytest tests/runtime/bundle` writes the newest schema anew.
A new optional key asks for a new minor version of the format, anything else for a new major one. The schema of format
1.0 is what kits in the field were written for: what they should read must fit it without one key more.
"""

from __future__ import annotations

import dataclasses
import json
import os
import types
import typing
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from edgelens.runtime.bundle.manifest import FORMAT, Decode, Golden, Limits, Manifest, Step
from edgelens.runtime.bundle.manifest_json import dump_manifest, parse_manifest
from edgelens.runtime.decode.boxes import BoxOptions
from edgelens.runtime.decode.classify import ClassifyOptions
from edgelens.runtime.errors import BundleError
from edgelens.runtime.model.open import open_model
from edgelens.runtime.preprocess import PixelContract, TensorContract

SCHEMA = Path(__file__).parent / "manifest.schema.json"
OLD_SCHEMA = Path(__file__).parent / "manifest-1.0.schema.json"
PLAIN = {str: {"type": "string"}, int: {"type": "integer"}, float: {"type": "number"}, bool: {"type": "boolean"}}


def schema_of(kind):
    """The JSON schema of a dataclass, or of a field's type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if kind is typing.Any:
        return {}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        required = [
            f.name
            for f in dataclasses.fields(kind)
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        ]
        properties = {f.name: schema_of(hints[f.name]) for f in dataclasses.fields(kind)}
        return {"type": "object", "properties": properties, "required": required}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if part is type(None) else schema_of(part) for part in arguments]}
    if origin is tuple:
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    raise TypeError(kind)


def manifest_schema():
    schema = schema_of(Manifest)
    schema["properties"]["format"] = {"type": "string", "pattern": r"^\d{1,4}\.\d{1,4}$"}
    schema["required"] += ["format", "steps", "entries"]
    version = ".".join(map(str, FORMAT))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"edgelens bundle {version}", **schema}


def problems(value, schema, path="manifest"):
    """Where a value is not what a schema says: the part of JSON Schema that is used here."""
    if "anyOf" in schema:
        return [] if any(not problems(value, part) for part in schema["anyOf"]) else [f"{path}: {value!r}"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{path}: {value!r}"]
    kinds = {
        "string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list,
        "null": type(None),
    }  # fmt: skip
    kind = schema.get("type")
    if kind and (not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [f"{path}: {value!r} is no {kind}"]
    found = [f"{path}.{name} is missing" for name in schema.get("required", ()) if name not in value]
    if kind == "array":
        found += [p for i, row in enumerate(value) for p in problems(row, schema["items"], f"{path}[{i}]")]
    if kind == "object":
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        for name, part in value.items():
            if known and name not in known:
                found.append(f"{path}.{name} is unknown")
            found += problems(part, known.get(name, others), f"{path}.{name}")
    return found


def test_the_schema_is_pinned():
    made = json.dumps(manifest_schema(), indent=1) + "\n"
    if os.environ.get("EDGELENS_WRITE_SCHEMA"):
        SCHEMA.write_text(made)
    assert SCHEMA.read_text() == made, "the manifest's format has changed: see this file's first lines"


def rich(manifest, **decode):
    """The manifest with every field said."""
    network = dataclasses.replace(
        manifest.main,
        labels=("rot", "grün", "藍"),
        pixels=PixelContract(16, 16, "bgr", "letterbox", "cubic", 114, "topleft"),
        decode=Decode("classify", 0.25, ("rot",), **decode),
        feature_space="fs-1",
        preferred="models/color.onnx",
    )
    file = dataclasses.replace(
        network.files[0],
        tensor=TensorContract("in", "NCHW", "int8", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), 0.5, -3),
        outputs=("a",),
        limits=Limits(0.9, 25.0, 0.8, 15.0),
        measured={"ms": 1.5, "device": "rpi4"},
    )
    network = dataclasses.replace(network, files=(file,))
    return dataclasses.replace(manifest, networks={"main": network}, content_version=12)


def chained(manifest):
    """A pipeline of two steps with golden data for the whole."""
    first = dataclasses.replace(
        manifest.main, task="detect", decode=Decode("yolox", 0.3, thresholds={"red": 0.5}, options={"iou": 0.6})
    )
    steps = (
        Step("frame", "find", output="boxes"),
        Step("frame", "main", "boxes", "keypoints", "who", margin=0.2, classes=("red",)),
    )
    whole = Golden("", manifest.golden[0].frames, manifest.golden[0].reference, agreement=0.8)
    return dataclasses.replace(
        manifest, networks={"find": first, **manifest.networks}, steps=steps, golden=(*manifest.golden, whole)
    )


FLAT = {"temperature": 1.5, "top_k": 3, "iou": 0.6, "max_det": 7, "probabilities": True, "classes": [1, 2]}


def test_what_old_kits_can_run_is_written_as_they_read_it(color_bundle):
    manifest = rich(color_bundle.manifest, options=FLAT)
    plain = json.loads(dump_manifest(manifest))
    assert plain["format"] == "1.0"
    assert problems(plain, json.loads(OLD_SCHEMA.read_text())) == []
    network = plain["networks"]["main"]
    assert network["decode"] == {
        "decoder": "classify", "threshold": 0.25, "temperature": 1.5, "top_k": 3, "iou": 0.6, "max_det": 7,
        "probabilities": True, "background": ["rot"], "options": {"classes": [1, 2]},
    }  # fmt: skip
    assert network["files"][0]["limits"]["top1_agreement"] == 0.9
    assert parse_manifest(dump_manifest(manifest), "x") == manifest


def test_what_format_1_leaves_unsaid_is_what_decoders_take(color_bundle):
    """Its keys beside the options are written with their usual values, which say nothing when they are read."""
    plain = json.loads(dump_manifest(color_bundle.manifest))["networks"]["main"]["decode"]
    for kind in (ClassifyOptions, BoxOptions):
        for name, value in dataclasses.asdict(kind()).items():
            assert plain.get(name) == value or name == "tile"  # which is younger than format 1
    assert color_bundle.manifest.main.decode.options == {}
    by_value = rich(color_bundle.manifest, options={"probabilities": "from values"})
    plain = json.loads(dump_manifest(by_value))["networks"]["main"]["decode"]
    assert (plain["probabilities"], plain["options"]) == (False, {"probabilities": "from values"})
    assert parse_manifest(dump_manifest(by_value), "x") == by_value


def test_thresholds_of_labels_are_a_newer_minor_version(color_bundle):
    manifest = rich(color_bundle.manifest, thresholds={"rot": 0.5})
    assert json.loads(dump_manifest(manifest))["format"] == "1.1"
    assert parse_manifest(dump_manifest(manifest), "x") == manifest


def test_several_steps_and_other_tasks_are_format_2(color_bundle):
    main = color_bundle.manifest.main
    other = dataclasses.replace(
        rich(color_bundle.manifest, options=FLAT), networks={"main": dataclasses.replace(main, task="read")}
    )
    for manifest in (chained(color_bundle.manifest), other):
        plain = json.loads(dump_manifest(manifest))
        assert plain["format"] == "2.0"
        assert problems(plain, json.loads(SCHEMA.read_text())) == []
        assert parse_manifest(dump_manifest(manifest), "x") == manifest


@pytest.mark.parametrize("name", ["digits", "sign-digits"])
def test_the_built_ins_are_written_again_byte_for_byte(name):
    with zipfile.ZipFile(str(open_model(name).path)) as archive:
        data = archive.read("manifest.json")
    assert dump_manifest(parse_manifest(data, name)) == data
    assert problems(json.loads(data), json.loads(OLD_SCHEMA.read_text())) == []


def test_a_newer_minor_version_is_read_and_a_newer_major_one_refused(color_bundle):
    plain = json.loads(dump_manifest(color_bundle.manifest))
    for version in ("1.9", "2.7"):
        newer = {**plain, "format": version, "mood": "good"}
        assert parse_manifest(json.dumps(newer).encode(), "x").networks["main"].labels == ("red", "green", "blue")
    with pytest.raises(BundleError, match=r"x\.edge: bundle format 3\.0 is newer than this kit reads \(2\.x\)"):
        parse_manifest(json.dumps({**plain, "format": "3.0"}).encode(), "x.edge")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda steps: steps[1].update(region="gone"), "a step looks into 'gone', which no step before it gives"),
        (lambda steps: steps[1].update(region="who"), "a step looks into 'who'"),
        (lambda steps: steps[1].update(output="boxes"), "two steps give 'boxes'"),
        (lambda steps: steps[1].update(align="feeling"), "must be one of keypoints"),
        (lambda steps: steps[1].update(margin=-1), "must be between 0 and 4"),
        (
            lambda steps: steps.extend(steps[1] | {"output": f"step {i}"} for i in range(200)),
            "has 202 steps: 16 are the most",
        ),
    ],
)
def test_steps_that_do_not_join_are_named(color_bundle, change, match):
    plain = json.loads(dump_manifest(chained(color_bundle.manifest)))
    change(plain["steps"])
    with pytest.raises(BundleError, match=match):
        parse_manifest(json.dumps(plain).encode(), "x.edge")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda m: m.update(steps=[]), "steps is empty"),
        (lambda m: m["steps"][0].update(network="gone"), "names the network 'gone'"),
        (lambda m: m["networks"]["main"].update(files=[]), "has no model file"),
        (lambda m: m["networks"]["main"].update(outputs=[]), "must have outputs"),
        (lambda m: m["networks"]["main"].update(preferred="x"), "prefers 'x'"),
        (lambda m: m["networks"]["main"]["files"][0].update(sha256="0" * 64), "same sha256"),
        (lambda m: m["networks"]["main"]["files"][0]["tensor"].update(std=[0]), "std must not be 0"),
        (lambda m: m["networks"]["main"]["files"][0]["tensor"].update(mean=[1, 2]), "one number, or one a channel"),
        (lambda m: m["networks"]["main"]["pixels"].update(height=0), "must be between 1 and 8192"),
        (lambda m: m["networks"]["main"]["pixels"].update(height=16.5), "must be a whole number"),
        (lambda m: m["networks"]["main"]["pixels"].update(color="cmyk"), "must be one of rgb, bgr, gray"),
        (lambda m: m["networks"]["main"]["labels"].append("a\nb"), "without control characters"),
        (lambda m: m["golden"][0].update(network="gone"), "golden data names the network"),
        (lambda m: m["golden"][0]["frames"].append("gone.png"), "golden data names 'gone.png'"),
        (lambda m: m["entries"].update(x="short"), "sha256 in 64 hex digits"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(color_bundle, change, match):
    plain = json.loads(dump_manifest(color_bundle.manifest))
    change(plain)
    with pytest.raises(BundleError, match=match) as caught:
        parse_manifest(json.dumps(plain).encode(), "x.edge")
    assert str(caught.value).startswith("x.edge: manifest.json: ")
