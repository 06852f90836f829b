"""The lines of a file of requests: cutting them out of its bytes, and what a line has to be."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from mecum.rooms.models.service import ENTITY, MODEL_NAME_MAX
from mecum.rooms.models.wires.jsons import JsonObject, loads, obj

CUSTOM_ID_CHARS_MAX = 512
SHOWN_CHARS_MAX = 80
ENDPOINTS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings")
NOT_IN_BATCHES = ("stream", "background")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank. `number` counts from 1, `start` is its first byte in the file."""

    number: int
    start: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What a line asks for."""

    custom_id: str
    model: str
    body: JsonObject


class BadLine(Exception):
    """A line that makes the whole file useless, in the words of OpenAI's `errors.data`."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


class LineTooLong(Exception):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


async def lines(
    pieces: AsyncIterator[bytes], limit_bytes: int, *, number: int = 1, start: int = 0
) -> AsyncGenerator[Line, None]:
    """The lines in `pieces`, which begin with line `number` at byte `start`.

    Raises:
        LineTooLong: a line has more than `limit_bytes`.
    """
    waiting, searched = bytearray(), 0
    async for piece in pieces:
        waiting += piece
        begin = 0
        while (end := waiting.find(b"\n", max(begin, searched))) >= 0:
            if end - begin > limit_bytes:
                raise LineTooLong(number)
            if raw := bytes(waiting[begin:end]).strip():
                yield Line(number, start + begin, raw)
            number, begin, searched = number + 1, end + 1, end + 1
        del waiting[:begin]
        start, searched = start + begin, len(waiting)
        if len(waiting) > limit_bytes:
            raise LineTooLong(number)
    if raw := bytes(waiting).strip():
        yield Line(number, start, raw)


def understood(raw: bytes, endpoint: str) -> Request:
    """
    Raises:
        BadLine: it is not a request to `endpoint`.
    """
    line = obj(loads(raw.removeprefix(b"\xef\xbb\xbf")))
    if not line:
        raise BadLine("invalid_json_line", "This line is not a JSON object.")
    custom_id, body = line.get("custom_id"), obj(line.get("body"))
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= CUSTOM_ID_CHARS_MAX:
        raise BadLine(
            "missing_required_parameter",
            f"A custom_id of 1 to {CUSTOM_ID_CHARS_MAX} characters is needed.",
            "custom_id",
        )
    if line.get("method") != "POST":
        raise BadLine("invalid_method", "The method has to be POST.", "method")
    if line.get("url") != endpoint:
        raise BadLine("invalid_url", f"The url has to be that of the batch, {endpoint}.", "url")
    if not body:
        raise BadLine("missing_required_parameter", "A body is needed: a JSON object.", "body")
    return Request(custom_id, _model(body), _checked(body))


def _model(body: JsonObject) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= MODEL_NAME_MAX:
        raise BadLine("missing_required_parameter", "The name of a model is needed.", "body.model")
    if model == ENTITY or model.startswith(f"{ENTITY}/"):
        raise BadLine("model_not_supported", f"The entity ({ENTITY}) does not answer in batches.", "body.model")
    return model


def _checked(body: JsonObject) -> JsonObject:
    for name in NOT_IN_BATCHES:
        if body.get(name) is True:
            raise BadLine("invalid_request", f"{name} can't be used in a batch.", f"body.{name}")
    return body


class Unique:
    """Whether each `custom_id` comes once. Keeps a digest of each, which takes less room than long ids."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def check(self, custom_id: str) -> None:
        """Raises BadLine for one that was there before."""
        digest = hashlib.blake2b(custom_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest in self._seen:
            shown = custom_id[:SHOWN_CHARS_MAX]
            raise BadLine("duplicate_custom_id", f"The custom_id {shown} was there before.", "custom_id")
        self._seen.add(digest)
