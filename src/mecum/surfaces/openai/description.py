"""The description of `/v1` (OpenAPI 3.1): its routes are plain Starlette, so they are described here.

Shapes are OpenAI's (https://platform.openai.com/docs/api-reference). The bodies are those that the entity reads; the
relay passes everything else on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from mecum.surfaces.openai.requests import ChatRequest, ResponsesRequest

TAG = "openai"
REF = "#/components/schemas/"
ERRORS: Mapping[int, str] = {
    400: "The request can't be understood; `param` names what is wrong.",
    401: "The key is missing or not valid.",
    403: "The key lacks the scope.",
    404: "There is no such model, response, file or batch, or it is not yours.",
    408: "The body of the request came too slowly.",
    409: "The answer needs a decision of the person, what it follows is not finished, or the key was used before.",
    413: "Over a limit.",
    422: "Understood, but a value is not possible.",
    429: "Too much at once; `Retry-After` says for how long.",
    502: "The provider failed.",
    503: "A part that is needed is not there right now.",
}
ERROR: Mapping[str, Any] = {
    "title": "OpenAIError",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
EMBEDDINGS: Mapping[str, Any] = {
    "title": "EmbeddingsRequest",
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "model": {"type": "string", "description": "An embedding model of `GET /v1/models`."},
        "input": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "encoding_format": {"type": "string", "enum": ["float", "base64"]},
        "dimensions": {"type": "integer", "description": "The built-in model knows its own length only."},
    },
}
EXPIRES_AFTER: Mapping[str, Any] = {
    "type": "object",
    "required": ["anchor", "seconds"],
    "properties": {
        "anchor": {"type": "string", "enum": ["created_at"]},
        "seconds": {"type": "integer", "minimum": 3600, "maximum": 2592000},
    },
}
BATCH: Mapping[str, Any] = {
    "title": "BatchRequest",
    "type": "object",
    "required": ["input_file_id", "endpoint", "completion_window"],
    "properties": {
        "input_file_id": {"type": "string", "description": "The id of a file with the purpose `batch`."},
        "endpoint": {"type": "string", "enum": ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"]},
        "completion_window": {"type": "string", "enum": ["24h"]},
        "metadata": {
            "type": ["object", "null"],
            "maxProperties": 16,
            "propertyNames": {"maxLength": 64},
            "additionalProperties": {"type": "string", "maxLength": 512},
        },
        "output_expires_after": EXPIRES_AFTER,
    },
}
UPLOAD: Mapping[str, Any] = {
    "type": "object",
    "required": ["file", "purpose"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "One request a line (JSON Lines)."},
        "purpose": {"type": "string", "enum": ["batch"]},
        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
        "expires_after[seconds]": {"type": "integer", "minimum": 3600, "maximum": 2592000},
    },
}


def _path_id(name: str) -> Mapping[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "maxLength": 128}}


FILE_ID, BATCH_ID = _path_id("file_id"), _path_id("batch_id")
RESPONSE_ID: Mapping[str, Any] = {
    "name": "response_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "maxLength": 128},
}


def described() -> Mapping[str, Any]:
    """`paths` and `schemas` for the description of the whole interface."""
    schemas: dict[str, Any] = {"OpenAIError": ERROR, "EmbeddingsRequest": EMBEDDINGS, "BatchRequest": BATCH}
    for model in (ChatRequest, ResponsesRequest):
        schemas |= _schemas(model)
    return {"paths": _paths(), "schemas": schemas}


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    made = model.model_json_schema(ref_template=f"{REF}{{model}}")
    inner: dict[str, Any] = made.pop("$defs", {})
    return {**inner, model.__name__: made}


def _paths() -> dict[str, Any]:
    one = "/v1/responses/{response_id}"
    page = [
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "How many items; 20 when absent."),
        _query("after", {"type": "string"}, "The id of the item before the page."),
        _query("order", {"type": "string", "enum": ["asc", "desc"]}, "Newest first unless it is `asc`."),
    ]
    again = [
        _query("stream", {"type": "boolean"}, "The entity's response as its events once more."),
        _query("starting_after", {"type": "integer", "minimum": 0}, "Only the events after the one of this number."),
    ]
    model = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 200}}
    return {
        "/v1/chat/completions": {
            "post": _operation("Ask the entity (model `mecum`) or a model, as chat completions.", "ChatRequest", True)
        },
        "/v1/responses": {
            "post": _operation("Ask the entity (model `mecum`) or a model, as responses.", "ResponsesRequest", True)
        },
        one: {
            "get": _operation("A stored response, finished or not.", None, True, [RESPONSE_ID, *again]),
            "delete": _operation("Delete a stored response; the entity's with its thread.", None, False, [RESPONSE_ID]),
        },
        f"{one}/cancel": {"post": _operation("End a response that is being made.", None, False, [RESPONSE_ID])},
        f"{one}/input_items": {"get": _operation("What a response answers.", None, False, [RESPONSE_ID, *page])},
        "/v1/embeddings": {"post": _operation("Vectors of texts.", "EmbeddingsRequest", False)},
        **_bulk_paths(),
        "/v1/models": {"get": _operation("The models that the key may use, the entity first.", None, False)},
        "/v1/models/{model}": {"get": _operation("One model.", None, False, [model])},
    }


def _bulk_paths() -> dict[str, Any]:
    after = _query("after", {"type": "string"}, "The id of the item before the page.")
    files = [
        after,
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 10000}, "How many files; 10000 when absent."),
        _query("order", {"type": "string", "enum": ["asc", "desc"]}, "Newest first unless it is `asc`."),
        _query("purpose", {"type": "string"}, "Only files of this purpose, `batch` or `batch_output`."),
    ]
    batches = [
        after,
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "How many batches; 20 when absent."),
    ]
    content = _operation("The bytes of a file.", None, False, [FILE_ID])
    content["responses"]["200"]["content"] = {"application/octet-stream": {"schema": {"type": "string"}}}
    upload = _operation("Upload a file of requests for a batch.", None, False)
    upload["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": UPLOAD}}}
    return {
        "/v1/files": {"get": _operation("Your files.", None, False, files), "post": upload},
        "/v1/files/{file_id}": {
            "get": _operation("One file.", None, False, [FILE_ID]),
            "delete": _operation("Delete a file that no batch under way reads.", None, False, [FILE_ID]),
        },
        "/v1/files/{file_id}/content": {"get": content},
        "/v1/batches": {
            "get": _operation("Your batches, newest first.", None, False, batches),
            "post": _operation("Have the requests of a file answered within a day.", "BatchRequest", False),
        },
        "/v1/batches/{batch_id}": {"get": _operation("One batch.", None, False, [BATCH_ID])},
        "/v1/batches/{batch_id}/cancel": {
            "post": _operation("End a batch; what is done is kept.", None, False, [BATCH_ID])
        },
    }


def _query(name: str, schema: Mapping[str, Any], what: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": what}


def _operation(
    what: str, body: str | None, streams: bool, parameters: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    if streams:
        content["text/event-stream"] = {}
    failed = {"application/json": {"schema": {"$ref": f"{REF}OpenAIError"}}}
    errors = {str(status): {"description": words, "content": failed} for status, words in ERRORS.items()}
    operation: dict[str, Any] = {
        "tags": [TAG],
        "description": what,
        "security": [{"HTTPBearer": []}],
        "parameters": parameters or [],
        "responses": {"200": {"description": "The answer in OpenAI's shape.", "content": content}, **errors},
    }
    if body is not None:
        schema = {"application/json": {"schema": {"$ref": f"{REF}{body}"}}}
        operation["requestBody"] = {"required": True, "content": schema}
    return operation
