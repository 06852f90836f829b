"""One request to a connected model, made again where that can help; for bodies that pass as they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mecum.kit.errors import MecumError
from mecum.rooms.models.health import Health
from mecum.rooms.models.retries import Retries
from mecum.rooms.models.routes import Remote
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Answer, Upstream

CALLERS_FAULT = frozenset((400, 404, 405, 409, 413, 415, 422, 501))
"""Statuses that say something about the request: they are the caller's to read, and are given back as an answer."""


class Sender:
    def __init__(self, upstream: Upstream, health: Health, settings: ModelsSettings) -> None:
        self._upstream = upstream
        self._health = health
        self._settings = settings

    @asynccontextmanager
    async def send(
        self, remote: Remote, path: str, body: bytes, *, streamed: bool = True
    ) -> AsyncGenerator[Answer, None]:
        """The first bytes of the answer have come; leaving the block closes it.

        Its status is 2xx, or says that the request was at fault.

        Raises:
            MecumError: as in `failures`, after the attempts that the settings allow.
        """
        answer = await self._answered(remote, path, body, streamed)
        try:
            yield answer
        except MecumError as error:
            self.note(remote, error)
            raise
        finally:
            answer.close()

    def note(self, remote: Remote, error: MecumError) -> None:
        """An answer of this provider broke, and the error goes on as part of it."""
        self._health.failed(remote.account, error)

    async def _answered(self, remote: Remote, path: str, body: bytes, streamed: bool) -> Answer:
        retries = Retries(self._settings)
        while True:
            try:
                answer = await self._begun(remote, path, body, streamed)
                if answer.ok or answer.status in CALLERS_FAULT:
                    self._health.worked(remote.account)
                    return answer
                error = await answer.error()
                answer.close()
            except MecumError as failure:
                error = failure
            wait_s = retries.pause(error)
            if wait_s is None:
                self._health.failed(remote.account, error)
                raise error
            await asyncio.sleep(wait_s)

    async def _begun(self, remote: Remote, path: str, body: bytes, streamed: bool) -> Answer:
        """An answer whose first bytes have come: until then a failure can be mended by asking again."""
        answer = await self._upstream.send(remote.endpoint, "POST", path, body, streamed=streamed)
        try:
            await answer.begin()
        except BaseException:
            answer.close()
            raise
        return answer
