"""The interface described for programs: OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from edgelens.version import __version__

from ...result import SCHEMA

__all__ = ["openapi"]

_PICTURE = {"type": "string", "format": "binary"}
_LABELLED = {"label": {"type": "string"}, "score": {"type": "number"}}


def _list(items: dict[str, Any], said: str, length: int | None = None) -> dict[str, Any]:
    exactly = {} if length is None else {"minItems": length, "maxItems": length}
    return {"type": "array", "items": items, **exactly, "description": said}


_NUMBER = {"type": "number"}
_RIVAL = {"type": "object", "required": ["label", "score"], "properties": _LABELLED}
_PLACE = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_POINT = {"type": "array", "items": _NUMBER, "minItems": 3, "maxItems": 3}
_RECOGNITION = {
    "type": "object",
    "description": "One thing that is there, with what is known of it; a task may add keys of its own.",
    "required": ["label", "id", "score"],
    "properties": {
        **_LABELLED,
        "id": {"type": "integer", "description": "-1 for what is not known"},
        "box": _list(_NUMBER, "x, y, w, h in pixels of the picture", 4),
        "rivals": _list(_RIVAL, "what else it could have been, best first"),
        "track": {"type": "integer", "description": "the same number as long as it is the same thing"},
        "name": {"type": "string", "description": "who or which it is, of what was shown to the device"},
        "similarity": {"type": "number", "description": "to what bears that name"},
        "text": {"type": "string", "description": "what it reads"},
        "value": {"type": "number", "description": "a measured quantity; the label says of what"},
        "keypoints": _list(_POINT, "x, y in pixels of the picture, and a score"),
        "mask": _list(_list(_PLACE, "an outline"), "outlines around what belongs to it, the largest part's first"),
        "corners": _list(_PLACE, "of a rotated box, in order around it, in pixels of the picture", 4),
        "parent": {"type": "integer", "minimum": 0, "description": "the row of this list that it was found inside"},
    },
}
_RESULT = {
    "type": "object",
    "required": [
        "schema", "device", "bundle", "source", "frame", "time", "age_ms", "stages_ms", "results", "announced",
        "events",
    ],
    "properties": {
        "schema": {"const": SCHEMA},
        "device": {"type": "string"},
        "bundle": {
            "type": "object",
            "required": ["name", "version"],
            "properties": {"name": {"type": "string"}, "version": {"type": "integer"}},
        },
        "source": {"type": "string"},
        "path": {"type": "string", "description": "the image file, of a folder's results"},
        "frame": {"type": "integer"},
        "time": {"type": "number", "description": "Unix time, seconds"},
        "position_s": {"type": "number", "description": "the place in a video file, seconds"},
        "age_ms": {"type": "number"},
        "stages_ms": {
            "type": "object",
            "additionalProperties": _NUMBER,
            "description": "preprocess, infer, decode, summed over all steps; of a pipeline each step's own, too",
        },
        "results": _list({"$ref": "#/components/schemas/Recognition"}, "what is there, best first"),
        "announced": {"type": ["string", "null"], "description": "the label that enough frames agreed on just now"},
        "events": _list({"type": "object"}, "what happened just now"),
    },
}  # fmt: skip
_MANY = {
    "type": "object",
    "required": ["schema", "items"],
    "properties": {
        "schema": {"const": SCHEMA},
        "items": {
            "type": "array",
            "items": {"oneOf": [{"$ref": "#/components/schemas/Result"}, {"$ref": "#/components/schemas/Error"}]},
        },
    },
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "source": {"type": "string"}},
}


def openapi() -> dict[str, Any]:
    """The description as one JSON object."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "edgelens", "version": __version__, "description": "Recognize pictures on a small device."},
        "paths": {
            "/v1/recognize": {"post": _recognize()},
            "/v1/teach": {"post": _teach()},
            "/v1/health": {
                "get": _json("Whether it is alive; with a token, how it is.", {"type": "object"}, open_=True)
            },
            "/v1/models": {"get": _json("What is running and what is at hand.", {"type": "object"})},
            "/v1/events": {"get": _events()},
            "/v1/results": {"get": _stream("Every result as a server-sent event `result`.")},
            "/v1/openapi.json": {"get": _json("This description.", {"type": "object"})},
            "/metrics": {"get": _text("Counters in Prometheus' text format.")},
        },
        "components": {
            "schemas": {"Recognition": _RECOGNITION, "Result": _RESULT, "Many": _MANY, "Error": _ERROR},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}, {}],
    }


def _recognize() -> dict[str, Any]:
    files = {"type": "object", "properties": {"image": {"type": "array", "items": _PICTURE}}}
    one_or_many = {"oneOf": [{"$ref": "#/components/schemas/Result"}, {"$ref": "#/components/schemas/Many"}]}
    return {
        "summary": "Recognize one picture (the body) or several (multipart).",
        "operationId": "recognize",
        "parameters": [
            {
                "name": "threshold",
                "in": "query",
                "schema": {"type": "number", "minimum": 0, "maximum": 1},
                "description": "reject what scores below",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                **{kind: {"schema": _PICTURE} for kind in ("image/jpeg", "image/png", "image/webp")},
                "multipart/form-data": {"schema": files},
            },
        },
        "responses": {
            "200": {"description": "what was seen", "content": {"application/json": {"schema": one_or_many}}},
            **{status: _refused(text) for status, text in _REFUSALS.items()},
        },
    }


def _teach() -> dict[str, Any]:
    asked = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 80, "description": "what a source shows now is called so"},
            "source": {"type": "string", "description": "the first one unless said"},
            "box": _list(_NUMBER, "x, y, w, h in pixels: this part of the frame", 4),
            "track": {"type": "integer", "description": "in place of a box: what is followed under this number"},
            "event": {"type": "integer", "description": "in place of a box: what this event was about"},
            "photos": {"type": "boolean", "description": "whether a small copy is kept; true unless said"},
            "undo": {"type": "string", "description": "instead of a name: a lesson that is taken back"},
        },
    }
    text = {"type": "string"}
    told = {
        "type": "object",
        "properties": {
            "name": text,
            "lesson": text,
            "pictures": {"type": "integer", "description": "that the name has now"},
            "doubt": {"type": ["string", "null"], "description": "why it will seldom be the answer, where that is so"},
        },
    }
    pictures = {"multipart/form-data": {"schema": {"type": "object"}}, "image/jpeg": {"schema": _PICTURE}}
    body = {"required": True, "content": {"application/json": {"schema": asked}, **pictures}}
    name = {"name": "name", "in": "query", "schema": text, "description": "of the pictures that are sent"}
    photos = {
        "name": "photos",
        "in": "query",
        "schema": {"type": "boolean"},
        "description": "false: keep no small copies",
    }
    summary = "Teach the running model what a source shows, of `serve` what is sent, or take that back."
    return {**_json(summary, told), "parameters": [name, photos], "requestBody": body}


def _events() -> dict[str, Any]:
    event = {
        "type": "object",
        "required": ["id", "source", "kind", "label", "place", "score", "time", "box", "clip"],
        "properties": {
            **_LABELLED,
            "id": {"type": "integer", "description": "its number in this run, for /live/moments/{id}"},
            "source": {"type": "string"},
            "kind": {"enum": ["announced", "crossed", "entered", "left", "loitering"]},
            "place": {"type": "string", "description": "the line or zone, and the direction"},
            "time": {"type": "number", "description": "Unix time, seconds"},
            "box": {"type": ["array", "null"], "items": _NUMBER, "description": "in fractions of the picture"},
            "pictured": {"type": "boolean", "description": "whether its picture is kept: /live/moments/{id}/picture"},
            "clip": {"enum": ["there", "coming", "none"], "description": "/live/moments/{id}/clip"},
        },
    }
    told = {"type": "object", "properties": {"events": _list(event, "newest first"), "more": {"type": "boolean"}}}
    text, number, whole = {"type": "string"}, _NUMBER, {"type": "integer", "minimum": 0}
    asked = {
        "label": (text, "is part of the label, or of the name of the line or zone"),
        "source": (text, "only this one's"),
        "since": (number, "seconds since 1970"),
        "until": (number, "seconds since 1970"),
        "before": (whole, "only those with a lower id: the next page"),
        "limit": ({"type": "integer", "minimum": 1, "maximum": 200}, "how many; 60 unless said"),
    }
    fields = [
        {"name": name, "in": "query", "schema": schema, "description": said} for name, (schema, said) in asked.items()
    ]
    described = _json("What was announced and what lines and zones noticed, searched.", told)
    return {**described, "parameters": fields}


_REFUSALS = {
    "400": "no picture, or a damaged one",
    "401": "a token is needed",
    "403": "a foreign host name or origin",
    "408": "the body took too long",
    "413": "too many bytes or pixels",
    "429": "too many wrong tokens",
    "503": "too much to do; Retry-After says when to come back",
}


def _refused(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def _json(summary: str, schema: dict[str, Any], *, open_: bool = False) -> dict[str, Any]:
    answer = {"description": "the answer", "content": {"application/json": {"schema": schema}}}
    described: dict[str, Any] = {"summary": summary, "responses": {"200": answer}}
    return (
        {**described, "security": [{}]}
        if open_
        else {**described, "responses": {"200": answer, "401": _refused("a token is needed")}}
    )


def _stream(summary: str) -> dict[str, Any]:
    content = {"text/event-stream": {"schema": {"$ref": "#/components/schemas/Result"}}}
    return {"summary": summary, "responses": {"200": {"description": "an endless answer", "content": content}}}


def _text(summary: str) -> dict[str, Any]:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {"summary": summary, "responses": {"200": {"description": "the numbers", "content": content}}}
