"""The description of the interface (OpenAPI 3.1): what FastAPI knows of the routes, and what holds for all of them.

FastAPI describes its own error for values that do not fit; ours is a problem (RFC 9457) with status 400, and every
route can answer one. A route says itself only what is particular to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

PROBLEM_TYPE = "application/problem+json"
PROBLEM: Mapping[str, Any] = {
    "title": "Problem",
    "description": "What went wrong, and what to do (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "hint", "params", "retryable"],
    "properties": {
        "type": {"type": "string", "description": "`urn:mecum:error:` and the code."},
        "title": {"type": "string", "description": "The code."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened, in the reader's language."},
        "code": {"type": "string", "description": "Stable: programs switch on it."},
        "hint": {"type": "string", "description": "What to do about it; may be empty."},
        "params": {"type": "object", "description": "Values for a wording of one's own."},
        "retryable": {"type": "boolean", "description": "Whether the same request can succeed later."},
    },
}
MEANINGS: Mapping[int, str] = {
    400: "The request can't be understood.",
    401: "Nobody is signed in, or the key is not valid.",
    403: "Not allowed.",
    404: "Not there, or not yours.",
    409: "It is there already, has changed meanwhile, or a rule stands against it.",
    410: "It was removed.",
    413: "Over a limit.",
    422: "Understood, but a value is not possible.",
    429: "Too much at once; `Retry-After` says for how long.",
    503: "A part that is needed is not there right now.",
}
ALWAYS = (400, 503)
OF_CALLERS = (401, 403)
OF_NAMED = (404, 410)
OF_WRITERS = (409, 413, 422, 429)
BEARER: Mapping[str, Any] = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key, `mk_...`. Browsers use their session cookie instead, and send `X-CSRF-Token`.",
}


def describe(app: FastAPI, more: Mapping[str, Any]) -> None:
    """Make `app` describe itself so.

    Args:
        more: `paths` and `schemas` of routes that FastAPI does not know.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, routes=app.routes)
            app.openapi_schema = _completed(made, more)
        return app.openapi_schema

    app.openapi = openapi


def _completed(made: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    for path, method, operation in _operations(made["paths"]):
        _put_problems(path, method, operation)
    components = made.setdefault("components", {})
    schemas = {name: each for name, each in components.get("schemas", {}).items() if "ValidationError" not in name}
    components["schemas"] = {**schemas, "Problem": PROBLEM, **more.get("schemas", {})}
    components["securitySchemes"] = {"HTTPBearer": BEARER}
    made["paths"] = {**made["paths"], **more.get("paths", {})}
    return made


def _operations(paths: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield path, method, operation


def _put_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    """Every status that the route can answer with a problem, those that it named itself with its own words."""
    responses: dict[str, Any] = operation["responses"]
    for status in [each for each in responses if each >= "400"]:
        if "HTTPValidationError" in str(responses[status]):
            del responses[status]
    statuses = [*ALWAYS]
    statuses += OF_CALLERS if operation.get("security") else ()
    statuses += OF_NAMED if "{" in path else ()
    statuses += OF_WRITERS if method != "get" else ()
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in statuses:
        responses.setdefault(str(status), {"description": MEANINGS[status]})
    for status in [each for each in responses if each >= "400"]:
        responses[status] = {**responses[status], "content": content}
    operation["responses"] = dict(sorted(responses.items()))
