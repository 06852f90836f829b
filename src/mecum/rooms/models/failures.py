"""What goes wrong at a provider, as errors of the tree: one code per thing that a person can do something about."""

from __future__ import annotations

import datetime as dt
import email.utils
import re

from mecum.kit.errors import MecumError, NotFound, ProviderError, TooMany
from mecum.rooms.models.wires.jsons import JsonObject, arr, loads, obj, text

SAID_CHARS_MAX = 400
OVERLOADED = frozenset((429, 503, 529))
TOO_MUCH = frozenset(("models.provider_busy", "models.provider_limit"))
"""Codes of who has too much to do."""
WRONG_KEY = frozenset((401, 403))
DISTANT_FUTURE_S = 10.0 * 365 * 86400
RETRY_DELAY = re.compile(r"(\d{1,12}(?:\.\d+)?)s")

AUTOMATIC = frozenset(
    (
        "models.provider_unreachable",
        "models.provider_failed",
        "models.provider_closed",
        "models.provider_busy",
        "models.provider_limit",
    )
)
"""Codes after which the same call is repeated by itself, as long as nothing of the answer has come."""


def unreachable(provider: str, why: str) -> ProviderError:
    return ProviderError(
        "models.provider_unreachable",
        f"{provider} can't be reached ({why}).",
        "Check that it runs and that its address is right.",
        params={"provider": provider, "why": why},
        retryable=True,
    )


def network_off(provider: str) -> ProviderError:
    return ProviderError(
        "models.network_off",
        f"{provider} is beyond this machine, and the network is switched off.",
        "Unset MECUM_ALLOW_NETWORK, or use a model of this machine.",
        params={"provider": provider},
    )


def timed_out(provider: str, phase: str, seconds: float) -> ProviderError:
    """`phase` is `connect`, `first_byte`, `silence` or `total`."""
    return ProviderError(
        "models.provider_timeout",
        f"{provider} did not answer in time ({phase.replace('_', ' ')}, {seconds:g} s).",
        "Try again, or raise MECUM_PROVIDER_*_TIMEOUT_S.",
        params={"provider": provider, "phase": phase, "seconds": seconds},
        retryable=True,
    )


def closed(provider: str) -> ProviderError:
    return ProviderError(
        "models.provider_closed",
        f"{provider} closed the connection before the answer was complete.",
        "Try again.",
        params={"provider": provider},
        retryable=True,
    )


def garbage(provider: str, what: str) -> ProviderError:
    return ProviderError(
        "models.provider_garbage",
        f"{provider} sent something that is not an answer ({what}).",
        "Check its address, which usually ends in /v1, and its protocol.",
        params={"provider": provider, "what": what},
    )


def too_long(provider: str, limit_bytes: int) -> ProviderError:
    return ProviderError(
        "models.provider_too_long",
        f"{provider} sent more than {limit_bytes:,} bytes where that can't be right.",
        "Ask for a shorter answer, or raise MECUM_PROVIDER_LINE_LIMIT_BYTES or MECUM_PROVIDER_ANSWER_LIMIT_BYTES.",
        params={"provider": provider, "limit_bytes": limit_bytes},
    )


def refused(provider: str, status: int, retry_after: float | None, body: bytes) -> MecumError:
    """The error for an answer with a status that is not 2xx."""
    said = message_of(body)
    retry_after = retry_info_of(body) if retry_after is None else retry_after
    params = {"provider": provider, "status": status, "said": said}
    more = f": {said}" if said else ""
    if status in WRONG_KEY or b"API_KEY_INVALID" in body:
        return ProviderError(
            "models.provider_key",
            f"{provider} does not accept the key that is stored for it.",
            "An operator can enter a new key under Models.",
            params={"provider": provider, "status": status},
        )
    if status == 429:
        return TooMany(
            "models.provider_limit",
            f"{provider} limits how much may be asked{more}.",
            "Try again later.",
            params=params,
            retry_after=retry_after,
        )
    if status in OVERLOADED:
        return ProviderError(
            "models.provider_busy",
            f"{provider} is overloaded{more}.",
            "Try again later.",
            params=params,
            retryable=True,
            retry_after=retry_after,
        )
    if status == 404:
        return NotFound(
            "models.provider_unknown_model",
            f"{provider} does not know this model or address{more}.",
            "Check the model's name and the provider's address.",
            params=params,
        )
    if status >= 500:
        return ProviderError(
            "models.provider_failed",
            f"{provider} failed with status {status}{more}.",
            "Try again, or choose another model.",
            params=params,
            retryable=True,
        )
    return ProviderError(
        "models.provider_refused",
        f"{provider} refused the request with status {status}{more}.",
        "The request is not one that this model can take.",
        params=params,
    )


def said_in_stream(provider: str, error: object) -> ProviderError:
    """The error that a provider put into its event stream."""
    said = text(obj(error).get("message")) or text(error)
    more = f": {said[:SAID_CHARS_MAX]}" if said else ""
    return ProviderError(
        "models.provider_failed",
        f"{provider} failed in the middle of its answer{more}.",
        "Try again, or choose another model.",
        params={"provider": provider, "status": 200, "said": said[:SAID_CHARS_MAX]},
        retryable=True,
    )


def _error_body(body: bytes) -> JsonObject:
    """The object in an error body, which Gemini's may have in a list; empty if there is none."""
    value = loads(body)
    return obj(arr(value)[0]) if arr(value) else obj(value)


def retry_info_of(body: bytes) -> float | None:
    """Seconds in the RetryInfo of an error in Google's shape (google.rpc, `error_details.proto`); None without one."""
    for detail in arr(obj(_error_body(body).get("error")).get("details")):
        seconds = RETRY_DELAY.fullmatch(text(obj(detail).get("retryDelay")))
        if seconds:
            return min(DISTANT_FUTURE_S, float(seconds[1]))
    return None


def message_of(body: bytes) -> str:
    """The message in an error body (OpenAI's shape, or `message` or `detail` alone), shortened; "" if there is none."""
    value = _error_body(body)
    error = value.get("error")
    said = text(obj(error).get("message")) or text(error) or text(value.get("message")) or text(value.get("detail"))
    return " ".join(said.split())[:SAID_CHARS_MAX]


def retry_after_of(header: str | None, now: dt.datetime) -> float | None:
    """Seconds in a Retry-After header (RFC 9110, 10.2.3: seconds or a date); None when it is missing or broken."""
    if not header:
        return None
    try:
        return min(DISTANT_FUTURE_S, max(0.0, float(header)))
    except ValueError:
        pass  # Not a number: then it is a date.
    try:
        at = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
    return min(DISTANT_FUTURE_S, max(0.0, (at - now).total_seconds()))
