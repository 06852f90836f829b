"""Telling the person what finished, or waits, while no surface was looking: the bell, and mail where they want it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from mecum.kit.ids import encode
from mecum.kit.notify import NotificationKind
from mecum.kit.outbox import OutboxEvent, Subscription
from mecum.kit.room import Kit
from mecum.rooms.assistant.finishing import RUN_ENDED
from mecum.rooms.assistant.runner import RUN_WAITS
from mecum.rooms.assistant.scheduling import SWITCHED_OFF
from mecum.rooms.assistant.store import runs, threads

FINISHED = NotificationKind("assistant.finished")
FAILED = NotificationKind("assistant.failed")
WAITING = NotificationKind("assistant.waiting")
TOLD_ORIGINS = ("background", "schedule")


def _is_told(payload: Mapping[str, str]) -> bool:
    return payload["origin"] in TOLD_ORIGINS and payload.get("reason") != "stopped"


class Telling:
    """Turns ends and waits of work without a surface into notifications."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        kit.notify.register([FINISHED, FAILED, WAITING, SWITCHED_OFF])

    @property
    def subscriptions(self) -> list[Subscription]:
        return [
            Subscription(RUN_ENDED, "assistant.tell_finished", self._finished, wants=_is_told),
            Subscription(RUN_WAITS, "assistant.tell_waiting", self._waits, wants=_is_told),
        ]

    async def _finished(self, event: OutboxEvent) -> None:
        await self._tell(event, FAILED if event.payload["reason"] == "failed" else FINISHED)

    async def _waits(self, event: OutboxEvent) -> None:
        await self._tell(event, WAITING)

    async def _tell(self, event: OutboxEvent, kind: NotificationKind) -> None:
        async with self._kit.db.transaction() as connection:
            run = await runs.get(connection, UUID(hex=event.payload["run"]))
            thread = None if run is None else await threads.known(connection, run.place.thread)
            if run is None or thread is None:
                return
            await self._kit.notify.notify(
                connection,
                run.place.person,
                run.place.space,
                run.place.organisation,
                kind.name,
                {"title": thread.title},
                f"/t/{encode('thr', thread.id)}",
                event.id.hex,
            )
