"""The one exception tree.

    MecumError
    ├── BadRequest            400  the request can't be understood
    ├── Unauthenticated       401  nobody is signed in, or the key is not valid
    ├── Forbidden             403  signed in, but not allowed
    ├── NotFound              404  not there, or not yours: the two look the same on purpose
    ├── MethodNotAllowed      405  there is something at this address, but not for this method
    ├── TooSlow               408  the body of the request came too slowly
    ├── Conflict              409  it is there already, or has changed meanwhile
    ├── Gone                  410  it was there and has been removed
    ├── TooLarge              413  over a limit that has a name in the settings
    ├── Unprocessable         422  understood, but a value is not possible
    ├── TooMany               429  slow down; `retry_after` says for how long
    ├── Unavailable           503  a part that is needed is not there right now
    │   ├── DatabaseUnavailable    it can't be reached, or has no room left
    │   └── EngineUnavailable      an embedded engine is loading, off or has crashed
    ├── ProviderError         502  a model provider failed; `retryable` says whether trying again can help
    └── StartError            (process exit) the service can't start as it is set up

Every error has a stable `code` that clients switch on, a `detail` that says what happened and a `hint` that says what
to do. `/api` renders RFC 9457 problem details, `/v1` OpenAI's error shape (`mecum.kit.http`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, TypedDict

Param: TypeAlias = str | int | float | bool | None


class Problem(TypedDict):
    """An error where it is kept or part of an answer: clients word it by `code` and `params`, `detail` is English."""

    code: str
    detail: str
    hint: str
    params: dict[str, Param]
    retryable: bool


class MecumError(Exception):
    """Base of all errors that a person or a client may see.

    Args:
        code: stable machine-readable name, `room.what`, e.g. `people.email_taken`.
        detail: one English sentence: what happened. Clients that know `code` word it in their own language.
        hint: what to do about it, or "".
        params: values for the client's wording of `code`.
        retryable: whether the same request can succeed later.
        retry_after: seconds until trying again makes sense, or None.
    """

    status: int = 500
    default_code: str = "error"
    default_retryable: bool = False

    def __init__(
        self,
        code: str = "",
        detail: str = "",
        hint: str = "",
        *,
        params: Mapping[str, Param] | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.code = code or self.default_code
        self.detail = detail or self.code
        self.hint = hint
        self.params: Mapping[str, Param] = params or {}
        self.retryable = self.default_retryable if retryable is None else retryable
        self.retry_after = retry_after
        super().__init__(f"{self.code}: {self.detail}" + (f" ({hint})" if hint else ""))

    def problem(self) -> Problem:
        return {
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
            "params": dict(self.params),
            "retryable": self.retryable,
        }


class BadRequest(MecumError):
    status = 400
    default_code = "bad_request"


class Unauthenticated(MecumError):
    status = 401
    default_code = "unauthenticated"


class Forbidden(MecumError):
    status = 403
    default_code = "forbidden"


class NotFound(MecumError):
    status = 404
    default_code = "not_found"


class MethodNotAllowed(MecumError):
    status = 405
    default_code = "method_not_allowed"


class TooSlow(MecumError):
    status = 408
    default_code = "too_slow"
    default_retryable = True


class Conflict(MecumError):
    status = 409
    default_code = "conflict"


class Gone(MecumError):
    status = 410
    default_code = "gone"


class TooLarge(MecumError):
    status = 413
    default_code = "too_large"


class Unprocessable(MecumError):
    status = 422
    default_code = "unprocessable"


class TooMany(MecumError):
    status = 429
    default_code = "too_many"
    default_retryable = True


class Unavailable(MecumError):
    status = 503
    default_code = "unavailable"
    default_retryable = True


class DatabaseUnavailable(Unavailable):
    """Whoever meets it can't write down how it ended either: work is tried again, not failed."""


class EngineUnavailable(Unavailable):
    default_code = "engine_unavailable"


class ProviderError(MecumError):
    status = 502
    default_code = "provider_error"


class StartError(MecumError):
    default_code = "start"
