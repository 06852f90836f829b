"""Answers of the relay: how they begin, and errors in OpenAI's shape."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import field
from typing import TypeAlias, cast
from urllib.parse import quote

from mecum.kit.errors import MecumError
from mecum.kit.http import headers_of
from mecum.kit.types import Tokens
from mecum.kit.values import frozen
from mecum.rooms.models import RelayResponse, Usage, failures
from mecum.rooms.models.answering import AnsweredBy
from mecum.rooms.models.calls import Ongoing
from mecum.rooms.models.sending import CALLERS_FAULT
from mecum.rooms.models.tiers import Tier
from mecum.rooms.models.upstream import Answer
from mecum.rooms.models.wires.jsons import JsonObject, dumps, loads, obj, text
from mecum.rooms.models.wires.sse import frame

JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json"}
STREAM_HEADERS: Mapping[str, str] = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}
TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
NOT_THERE = frozenset((404, 405, 501))
UNKNOWN_MODEL = "model_not_found"
CODES = {
    "models.unknown": UNKNOWN_MODEL,
    "models.budget_spent": "insufficient_quota",
    "models.provider_limit": "rate_limit_exceeded",
    "models.provider_unknown_model": UNKNOWN_MODEL,
    "models.response_unknown": "response_not_found",
}
"""Codes that clients of this wire look for, in place of ours."""


@frozen
class Head:
    """The first part of an answer: a stream of events, or one JSON body; how it was made is told in headers."""

    status: int = 200
    streams: bool = False
    made: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def headers(self) -> Mapping[str, str]:
        return {**(STREAM_HEADERS if self.streams else JSON_HEADERS), **self.made}


def made_by(model: str, tier: Tier, degraded: str | None = None, left_out: Sequence[str] = ()) -> Mapping[str, str]:
    """Which model of the catalogue answers, its name as in a URL where it is not ASCII; in which service tier, what
    was taken away so that it could, and what of the request it was not told.
    """
    told = {"x-mecum-model": model if model.isascii() else quote(model), "x-mecum-tier": tier}
    told |= {} if degraded is None else {"x-mecum-degraded": degraded}
    return told | ({"x-mecum-left-out": ", ".join(left_out)} if left_out else {})


def told_by(by: AnsweredBy) -> Mapping[str, str]:
    """`made_by` of an answer that is made of events."""
    return made_by(by.model, by.tier, by.degraded, (*by.unread, *by.unsaid))


def made_of(ongoing: Ongoing) -> Mapping[str, str]:
    """`made_by` of a call that somebody answers."""
    return made_by(ongoing.call.model, ongoing.call.tier, ongoing.degraded)


def tell_tier(part: bytes, tier: Tier) -> bytes:
    """`part`, the first of an answer in JSON or of a stream of it, with the tier in which it was served, as OpenAI says
    it. A provider's own word stays.
    """
    return part if b'"service_tier"' in part else part.replace(b"{", b'{"service_tier":"%s",' % tier.encode(), 1)


Parts: TypeAlias = AsyncGenerator[Head | bytes, None]
"""An answer in the making: exactly one Head, then its body. What it raises before the Head is an answer of its own."""


async def begun(parts: Parts) -> RelayResponse:
    """The answer: a stream as soon as its head is known, any other when it is whole. Raises what `parts` raises."""
    head = await anext(parts)
    assert isinstance(head, Head)
    body = cast("AsyncGenerator[bytes, None]", parts)
    if head.streams:
        return RelayResponse(head.status, head.headers, body)
    return RelayResponse(head.status, head.headers, b"".join([part async for part in body]))


def refused(ongoing: Ongoing, answer: Answer) -> bytes:
    """The body of an answer by which the provider refuses a request: it passes as it is, where it is JSON.

    Raises:
        ProviderError: it is not.
    """
    ongoing.outcome, ongoing.usage = "models.provider_refused", Usage(Tokens(0), Tokens(0))
    if answer.content_type != "application/json":
        raise failures.refused(answer.provider, answer.status, answer.retry_after, answer.refusal)
    return answer.refusal


def is_no_such_door(answer: Answer) -> bool:
    """Whether a provider says that it has not what was asked at this address, rather than not that model."""
    unknown_model = "model" in text(obj(obj(loads(answer.refusal)).get("error")).get("code"))
    return answer.status in NOT_THERE and not unknown_model


async def json_of(answer: Answer) -> tuple[bytes, JsonObject]:
    """The whole body, and the object that it is. Raises ProviderError when it is none, or does not come."""
    body = await answer.read()
    value = obj(loads(body))
    if not value:
        raise failures.garbage(answer.provider, answer.content_type or "an answer that is not JSON")
    return body, value


def whole(value: object, status: int = 200, headers: Mapping[str, str] = JSON_HEADERS) -> RelayResponse:
    return RelayResponse(status, headers, dumps(value))


def status_of(error: MecumError) -> int:
    """The status of `error` here: what a provider found at fault in the request is the caller's to mend."""
    said = error.params.get("status")
    if error.code == "models.provider_refused" and isinstance(said, int) and said in CALLERS_FAULT:
        return said
    return error.status


def error_object(error: MecumError) -> JsonObject:
    """`error` in OpenAI's shape. `param` names the member of the request where that is known."""
    status = status_of(error)
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    message = f"{error.detail} {error.hint}".strip()
    code = CODES.get(error.code, error.code)
    param = error.params.get("param") or error.params.get("where") or ("model" if code == UNKNOWN_MODEL else None)
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_answer(error: MecumError) -> RelayResponse:
    """`error` as an answer. `x-should-retry` tells the official clients whether trying again can help,
    `x-mecum-offer` in which service tier it would be served.
    """
    headers = {**JSON_HEADERS, **headers_of(error), "x-should-retry": "true" if error.retryable else "false"}
    if offer := error.params.get("offer"):
        headers["x-mecum-offer"] = str(offer)
    return whole(error_object(error), status_of(error), headers)


def error_frame(error: MecumError) -> bytes:
    """`error` in the middle of an event stream: clients of this wire raise it. Ends an event that is open."""
    return b"\n" + frame(dumps(error_object(error)))
