"""What OpenAPI says beyond the handlers: bodies of requests, refusals."""

from __future__ import annotations

from typing import Any

_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_FILE = {"type": "string", "format": "binary", "description": "A video or a picture"}


def _form(**more: Any) -> dict[str, Any]:
    fields = {"file": _FILE, **more}
    schema = {"type": "object", "required": ["file"], "properties": fields}
    return {"multipart/form-data": {"schema": schema}}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


_ASKED = {
    name: kind
    for name, kind in (
        *(("id", _TEXT), ("row", _NUMBER), ("text", _TEXT)),
        *(("k", _NUMBER), ("distance", _TEXT)),
    )
}
_JSON = {"application/json": {"schema": {"type": "object", "properties": _ASKED}}}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_DECISION = {
    "type": "object",
    "required": ["schema", "a", "b", "decision"],
    "properties": {
        "schema": {"const": 1},
        "a": _SHA256,
        "b": _SHA256,
        "decision": {"enum": ["ignore", "accept"]},
    },
}
_ERROR = {
    "type": "object",
    "properties": {
        "schema": {"const": 1},
        "error": {"type": "object", "properties": {"code": _TEXT, "message": _TEXT, "hint": _TEXT}},
    },
}

UPLOAD_BODY = _body(_form())
BODIES = _body(_form(k=_NUMBER, distance=_TEXT) | _JSON)
DECISION_BODY = _body({"application/json": {"schema": _DECISION}})
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {"application/json": {"schema": _ERROR}}}
    for status, words in (
        (400, "A value is wrong"),
        (401, "A token is needed"),
        (403, "Sent by a page of another site"),
        (404, "There is no such video"),
        (413, "The file is too large"),
        (415, "The body is of another type"),
        (422, "The file cannot be read"),
        (429, "Too many requests; see Retry-After"),
    )
}
