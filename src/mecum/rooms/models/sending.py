"""One request to a connected model, made again where that can help; for bodies that pass as they are."""

from __future__ import annotations

import asyncio
from types import TracebackType

from mecum.kit.errors import MecumError
from mecum.rooms.models.catalogue import Remote
from mecum.rooms.models.health import Health
from mecum.rooms.models.retries import Retries
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Answer, Upstream

CALLERS_FAULT = frozenset((400, 404, 405, 409, 413, 415, 422, 501))
"""Statuses that say something about the request: they are the caller's to read, and are given back as an answer."""


class Sent:
    """An answer to read inside the block, whose end closes it. An error in there was the provider's."""

    __slots__ = ("_remote", "_sender", "answer")

    def __init__(self, sender: Sender, remote: Remote, answer: Answer) -> None:
        self.answer = answer
        self._sender = sender
        self._remote = remote

    async def __aenter__(self) -> Answer:
        return self.answer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.answer.close()
        if isinstance(error, MecumError):
            self._sender.note(self._remote, error)


class Sender:
    def __init__(self, upstream: Upstream, health: Health, settings: ModelsSettings) -> None:
        self._upstream = upstream
        self._health = health
        self._settings = settings

    async def send(self, remote: Remote, path: str, body: bytes, *, streamed: bool = True) -> Sent:
        """An answer whose first bytes have come. Its status is 2xx, or says that the request was at fault: then its
        `refusal` is there.

        Raises:
            MecumError: as in `failures`, after the attempts that the settings allow.
        """
        return Sent(self, remote, await self._answered(remote, path, body, streamed))

    def note(self, remote: Remote, error: MecumError) -> None:
        """An answer of this provider broke, and the error goes on as part of it."""
        self._health.failed(remote.provider, error)

    async def _answered(self, remote: Remote, path: str, body: bytes, streamed: bool) -> Answer:
        retries = Retries(self._settings)
        while True:
            try:
                answer = await self._begun(remote, path, body, streamed)
                if answer.ok or answer.status in CALLERS_FAULT:
                    self._health.worked(remote.provider)
                    return answer
                try:
                    error = await answer.error()
                finally:
                    answer.close()
            except MecumError as failure:
                error = failure
            wait_s = retries.pause(error)
            if wait_s is None:
                self._health.failed(remote.provider, error)
                raise error
            await asyncio.sleep(wait_s)

    async def _begun(self, remote: Remote, path: str, body: bytes, streamed: bool) -> Answer:
        """An answer whose first bytes have come: until then a failure can be mended by asking again."""
        answer = await self._upstream.send(remote.endpoint, "POST", path, body, streamed=streamed)
        try:
            await answer.begin()
            if answer.status in CALLERS_FAULT:
                await answer.read_refusal()
        except BaseException:
            answer.close()
            raise
        return answer
