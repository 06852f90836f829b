"""The gate as all replicas see it together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mecum.rooms.models.gate.door import Gate
from mecum.rooms.models.gate.reporting import (
    Question,
    Reports,
    hours_together,
    one_whole,
    report,
    snapshots_together,
)
from mecum.rooms.models.gate.viewing import Snapshot
from mecum.rooms.models.gate.watching import Hour


@dataclass(frozen=True, slots=True)
class Sight:
    """Args: replicas: server processes there are. silent: of them, those that did not answer."""

    snapshot: Snapshot
    replicas: int = 1
    silent: int = 0


class Panorama:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def now(self, names: Collection[str]) -> Sight:
        """The pools of these names at this moment, and others that have something to do."""
        told = await self._told(Question("now", tuple(sorted(names))))
        seen = [each.now for each in told.heard if each.now is not None]
        return Sight(snapshots_together(seen), told.replicas, told.replicas - len(told.heard))

    async def hour(self) -> Hour:
        told = await self._told(Question("hour"))
        return hours_together([each.hour for each in told.heard if each.hour is not None])

    async def _told(self, question: Question) -> Reports:
        """What this replica and the others tell. That of a writer who does not answer is missing: then what this one
        knows of the pools that are shared takes its place."""
        replicas = self._gate.replicas
        others = Reports(0, []) if replicas is None else await replicas.reports(question)
        is_whole = not any(each.is_whole for each in others.heard)
        own = report(question, self._gate.pools, self._gate.watch, self._gate.now(), is_whole=is_whole)
        return Reports(others.replicas + 1, one_whole(own, others.heard))
