"""A client that leaves ends the work that is done for it, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self

from starlette.requests import ClientDisconnect


class UntilLeft:
    """Inside the block, whose request has been read, a client that leaves cancels the task; the block ends with
    ClientDisconnect. It is cancelled once, so that what ends the work may still await.

    One task looks out for the client. To run the work itself in a task costs more than many an answer.
    """

    def __init__(self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
        self._receive = receive
        self._has_left = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "work is done in a task"
        self._task = task
        self._cancelling = task.cancelling()
        self._lookout = asyncio.create_task(self._look_out())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lookout.cancel()
        del (
            self._lookout
        )  # it keeps the frame that it was cancelled in, which knows us: only the collector would end that
        # As asyncio.timeout: only a cancellation that is ours alone becomes something else.
        if self._has_left and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise ClientDisconnect from error

    async def _look_out(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._has_left = True
        self._task.cancel()
