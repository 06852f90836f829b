"""The HTTP edge: who asks, errors on the wire, limits on bodies.

Routes declare the caller as a parameter (`caller: Signed`), so that a route without one is visibly public.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from mecum.kit.arrival import declared_bytes, too_large
from mecum.kit.errors import BadRequest, Forbidden, MecumError, Unauthenticated
from mecum.kit.telemetry import route_template
from mecum.kit.types import Principal, Scope
from mecum.kit.values import frozen

if TYPE_CHECKING:
    from mecum.kit.i18n import I18n

logger = logging.getLogger(__name__)

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200


@frozen
class Credentials:
    """What a request carries to say who asks. `bearer` is the token of an Authorization header, without its scheme."""

    bearer: str | None
    cookies: Mapping[str, str]
    csrf: str | None
    origin: str | None
    method: str
    address: str
    user_agent: str
    surface: str | None


Authenticate = Callable[[Credentials], Awaitable[Principal]]
Render = Callable[[MecumError], Response]


def credentials(request: Request) -> Credentials:
    """The credentials of `request`.

    The address is the peer's, or what a trusted proxy said (set by the edge in `app.py`).
    """
    # One pass over the headers instead of one for each; of a name that comes twice the first counts, as elsewhere.
    headers: dict[bytes, bytes] = dict(reversed(request.scope["headers"]))

    def said(name: bytes) -> str | None:
        value = headers.get(name)
        return None if value is None else value.decode("latin-1")

    client: tuple[str, int] | None = request.scope.get("client")
    scheme, _, token = (said(b"authorization") or "").partition(" ")
    return Credentials(
        bearer=token.strip() if scheme.lower() == "bearer" and token.strip() else None,
        cookies=request.cookies if b"cookie" in headers else {},
        csrf=said(b"x-csrf-token"),
        origin=said(b"origin"),
        method=request.scope["method"],
        address=client[0] if client else "",
        user_agent=(said(b"user-agent") or "")[:400],
        surface=said(b"x-mecum-surface"),
    )


_bearer = HTTPBearer(auto_error=False)


async def authenticated(request: Request, _: Annotated[object, Depends(_bearer)] = None) -> Principal:
    """The principal behind `request`. The bearer scheme is for the description of the interface alone.

    Raises:
        Unauthenticated: no valid session or key. Forbidden: a session without its CSRF token or with a foreign Origin.
    """
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        authenticate: Authenticate = request.app.state.authenticate
        known = await authenticate(credentials(request))
        request.state.principal = known
    return known


Signed = Annotated[Principal, Depends(authenticated)]


def scoped(*scopes: Scope) -> Callable[[Principal], Principal]:
    """A dependency: the caller, who must have all of `scopes`."""

    def check(caller: Signed) -> Principal:
        for scope in scopes:
            require(caller, scope)
        return caller

    return check


def operating(caller: Signed) -> Principal:
    """A dependency: the caller, who must run the installation."""
    if not caller.operates:
        raise Forbidden("operator_only", "Only the owner or an operator may do this.")
    return caller


Operator = Annotated[Principal, Depends(operating)]


def require(caller: Principal, scope: Scope) -> Principal:
    if not caller.has(scope):
        raise Forbidden(
            "scope_missing", f"This key lacks the scope {scope}.", "Make a key that has it.", params={"scope": scope}
        )
    return caller


ChatCaller = Annotated[Principal, Depends(scoped("chat"))]
ThreadsCaller = Annotated[Principal, Depends(scoped("threads"))]
TalkingCaller = Annotated[Principal, Depends(scoped("chat", "threads"))]
"""Whoever says something in a thread that is there already, or decides what waits in it."""
AccountCaller = Annotated[Principal, Depends(scoped("account"))]
ModelsCaller = Annotated[Principal, Depends(scoped("models"))]


def problem(error: MecumError, words: tuple[str, str] | None = None) -> Response:
    """`error` as RFC 9457 problem details, with our `code`, `hint`, `params` and `retryable`.

    Args:
        words: detail and hint in the reader's language; those of the error itself by default.
    """
    detail, hint = words or (error.detail, error.hint)
    body: dict[str, Any] = {
        "type": f"urn:mecum:error:{error.code}",
        "title": error.code,
        "status": error.status,
        "detail": detail,
        "code": error.code,
        "hint": hint,
        "params": dict(error.params),
        "retryable": error.retryable,
    }
    # Words may hold what somebody sent: halves of surrogate pairs can't go out again.
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(content, error.status, headers_of(error), media_type="application/problem+json")


def internal_error() -> MecumError:
    """What is said of an error that nobody expected."""
    return MecumError("internal", "Something went wrong in Mecum itself.", "It was logged. Trying again may help.")


def headers_of(error: MecumError) -> dict[str, str]:
    """The headers of an answer that is this error, in whatever shape."""
    headers = {"cache-control": "no-store"}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after)))
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    if error.status == 408:
        headers["connection"] = "close"  # the rest of the body may still be on its way
    return headers


def _worded(request: Request, error: MecumError) -> Response:
    """The problem in the language of the request, where the app knows languages (`app.state.i18n`)."""
    i18n: I18n | None = getattr(request.app.state, "i18n", None)
    if i18n is None:
        return problem(error)
    return problem(error, i18n.error(i18n.negotiate(request.headers.get("accept-language", "")), error))


def install_errors(app: FastAPI, renders: Mapping[str, Render] | None = None) -> None:
    """Render every error of the tree, of validation and of routing; never a stack trace.

    Args:
        renders: how errors look below a prefix of the path, where they are no problems.
    """

    def rendered(request: Request, error: MecumError) -> Response:
        for prefix, render in (renders or {}).items():
            if request.url.path.startswith(prefix):
                return render(error)
        return _worded(request, error)

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, MecumError)
        if error.status >= 500:
            logger.warning("%s on %s", error.code, route_template(request.scope))
        return rendered(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first.get("loc", ()))
        return rendered(
            request,
            BadRequest(
                "invalid_request", f"{where}: {first.get('msg', 'not valid')}"[:500], params={"where": where[:200]}
            ),
        )

    async def routed(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        plain = MecumError(f"http_{error.status_code}", str(error.detail))
        plain.status = error.status_code
        return rendered(request, plain)

    async def unexpected(request: Request, error: Exception) -> Response:
        logger.error("unexpected error on %s", route_template(request.scope), exc_info=error)
        return rendered(request, internal_error())

    app.add_exception_handler(MecumError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, routed)
    app.add_exception_handler(Exception, unexpected)


class Stream(StreamingResponse):
    """A streamed body that is closed the moment the client leaves, before this response counts as over.

    Starlette cancels the body with a cancellation that comes back at every await: then a body could not await what its
    end needs, such as stopping a run. Here it is cancelled once.

    Args:
        within_s: a client that has not taken the whole body by then is cut off.
    """

    def __init__(
        self,
        body: AsyncGenerator[bytes, None],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        *,
        within_s: float | None = None,
    ) -> None:
        super().__init__(body, status_code, headers, media_type)
        self._body = body
        self._within_s = within_s

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((sending, leaving), timeout=self._within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left = not sending.done()
            leaving.cancel()
            sending.cancel()
            await asyncio.wait((sending, leaving))
            await self._body.aclose()
        if not left:
            sending.result()


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body.

    Raises:
        TooLarge: it is longer than `limit_bytes`; reading stops there. ClientDisconnect: the client left.
    """
    if (declared_bytes(request.scope) or 0) > limit_bytes:
        raise too_large(limit_bytes)
    parts: list[bytes] = []
    length, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part, more = message.get("body", b""), message.get("more_body", False)
        length += len(part)
        if length > limit_bytes:
            raise too_large(limit_bytes)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def signed_in(principal: Principal | None) -> Principal:
    if principal is None:
        raise Unauthenticated("signed_out", "Sign in first.")
    return principal
