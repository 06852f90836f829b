"""A client that leaves ends the work that is done for it, at once."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.requests import ClientDisconnect

from mecum.kit.arrival import Receive, Scope
from mecum.kit.cutting import Cut
from mecum.kit.presence import EXTENSION, Presence


class UntilLeft(Cut):
    """Inside the block, whose request has been read, a client that leaves cancels the task; the block ends with
    ClientDisconnect.

    Our own edge says who leaves. Behind another server one task looks out for it; to run the work itself in a task
    costs more than many an answer.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__()
        self._presence: Presence | None = scope.get("extensions", {}).get(EXTENSION)
        self._receive = receive
        self._lookout: asyncio.Task[None] | None = None

    def error(self) -> Exception:
        return ClientDisconnect()

    def __enter__(self) -> Self:
        super().__enter__()
        if self._presence is not None:
            self._presence.tell(self.cut)
        else:
            self._lookout = asyncio.create_task(self._look_out())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._presence is not None:
            self._presence.forget(self.cut)
        if self._lookout is not None:
            self._lookout.cancel()
            # It keeps the frame that it was cancelled in, which knows us: only the collector would end that.
            self._lookout = None
        super().__exit__(kind, error, trace)

    async def _look_out(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.cut()
