"""One request to a connected model, made again where that can help; for bodies that pass as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from mecum.kit.errors import MecumError
from mecum.rooms.models.attempts import Attempts
from mecum.rooms.models.calls import Ongoing
from mecum.rooms.models.health import Health
from mecum.rooms.models.resting import Resting
from mecum.rooms.models.routes import Remote, Route
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Answer, Upstream

CALLERS_FAULT = frozenset((400, 404, 405, 409, 413, 415, 422, 501))
"""Statuses that say something about the request: they are the caller's to read, and are given back as an answer."""


class Sent:
    """An answer to read inside the block, and who gives it; the block's end closes it. An error in there was the
    provider's.
    """

    __slots__ = ("_sender", "answer", "remote")

    def __init__(self, sender: Sender, remote: Remote, answer: Answer) -> None:
        self.answer = answer
        self.remote = remote
        self._sender = sender

    def close(self) -> None:
        self.answer.close()

    async def __aenter__(self) -> tuple[Remote, Answer]:
        return self.remote, self.answer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.answer.close()
        if isinstance(error, MecumError):
            self._sender.note(self.remote, error)


class Sender:
    def __init__(self, upstream: Upstream, health: Health, resting: Resting, settings: ModelsSettings) -> None:
        self._upstream = upstream
        self._health = health
        self._resting = resting
        self._settings = settings

    async def send(
        self, ongoing: Ongoing, route: Route, path: str, body: Callable[[Remote], bytes], *, streamed: bool = True
    ) -> Sent:
        """An answer whose first bytes have come. Its status is 2xx, or says that the request was at fault: then its
        `refusal` is there.

        Args:
            ongoing: the call, which has its turn. body: what is sent to whoever is asked.

        Raises:
            MecumError: as in `failures`, after the attempts that the settings allow.
        """
        return await ongoing.undisturbed(lambda: self._answered(ongoing, route, path, body, streamed), Sent.close)

    def note(self, remote: Remote, error: MecumError) -> None:
        """An answer of this provider broke, and the error goes on as part of it."""
        self._health.failed(remote.account, error)

    async def _answered(
        self, ongoing: Ongoing, route: Route, path: str, body: Callable[[Remote], bytes], streamed: bool
    ) -> Sent:
        attempts = Attempts(route, self._resting, self._settings)
        while True:
            remote = attempts.at(ongoing.pool)
            ongoing.asks(remote)
            try:
                answer = await self._begun(remote, path, body(remote), streamed)
                if answer.ok or answer.status in CALLERS_FAULT:
                    self._health.worked(remote.account)
                    attempts.worked(remote)
                    return Sent(self, remote, answer)
                try:
                    error = await answer.error()
                finally:
                    answer.close()
            except MecumError as failure:
                error = failure
            again = attempts.failed(remote, error)
            if again is None or again.tiers:
                self._health.failed(remote.account, error)
            if again is None:
                raise error
            await asyncio.sleep(again.wait_s)
            if again.tiers:
                ongoing.elsewhere(again.tiers)
                await ongoing.turn()

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
