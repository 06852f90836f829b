"""A client that leaves ends the work that is done for it, at once."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.requests import ClientDisconnect

from mecum.kit.arrival import Receive, Scope
from mecum.kit.presence import EXTENSION, Presence


class UntilLeft:
    """Inside the block, whose request has been read, a client that leaves cancels the task; the block ends with
    ClientDisconnect. It is cancelled once, so that what ends the work may still await.

    Our own edge says who leaves. Behind another server one task looks out for it; to run the work itself in a task
    costs more than many an answer.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._presence: Presence | None = scope.get("extensions", {}).get(EXTENSION)
        self._receive = receive
        self._has_left = False
        self._lookout: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "work is done in a task"
        self._task = task
        self._cancelling = task.cancelling()
        if self._presence is None:
            self._lookout = asyncio.create_task(self._look_out())
        else:
            self._presence.tell(self._leave)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._presence is not None:
            self._presence.forget(self._leave)
        if self._lookout is not None:
            self._lookout.cancel()
            # It keeps the frame that it was cancelled in, which knows us: only the collector would end that.
            self._lookout = None
        # As asyncio.timeout: only a cancellation that is ours alone becomes something else.
        if self._has_left and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise ClientDisconnect from error

    def _leave(self) -> None:
        self._has_left = True
        self._task.cancel()

    async def _look_out(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()
