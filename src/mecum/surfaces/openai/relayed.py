"""An answer of the models room, as it goes out."""

from __future__ import annotations

from contextlib import aclosing, suppress

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from mecum.kit.leaving import UntilLeft
from mecum.rooms.models import RelayResponse


class Relayed:
    """Sends an answer of the relay."""

    def __init__(self, answer: RelayResponse) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        if isinstance(answer.body, bytes):
            headers.append((b"content-length", str(len(answer.body)).encode()))
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})
            return
        async with aclosing(answer.body) as body:
            # Whoever has left hears of no error.
            with suppress(ClientDisconnect), UntilLeft(scope, receive):
                await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                async for part in body:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
