"""Pools whose limits stand still, for tests that say themselves what time it is."""

from __future__ import annotations

from mecum.rooms.models.gate.fair import Band
from mecum.rooms.models.gate.line import Line
from mecum.rooms.models.gate.pool import Pool
from mecum.rooms.models.gate.pools import Pools
from mecum.rooms.models.gate.pressure import Pressure
from mecum.rooms.models.gate.standing import Asked, GivesWay, Standing

PATIENCE_S, STARVING_S = 5.0, 30.0


class Told(list[Standing]):
    """All of whom something was told, in order."""

    def let_in(self) -> list[Standing]:
        return [each for each in self if each.state == "running" and not each.is_wanted]


def pools(limit: float = 1_000, queue_max: int = 1_000, tenant_queue_max: int = 500) -> tuple[Pools, Told]:
    def new(name: str) -> Pool:
        line = Line(queue_max=queue_max, tenant_queue_max=tenant_queue_max, starving_after_s=STARVING_S)
        return Pool(name, line, Pressure(start=limit, least=limit, most=limit))

    told = Told()
    return Pools(new, told.append, patience_s=PATIENCE_S, starving_s=STARVING_S), told


def asked(
    *tiers: tuple[str, ...],
    tenant: str = "ines",
    band: Band = "interactive",
    tokens: int = 600,
    prefix: str = "",
    gives_way: GivesWay = "never",
) -> Asked:
    """A call of so many tokens, none of which are its answer's."""
    return Asked(tiers or (("a", "b"),), "model", tenant, band, tokens, 0, gives_way=gives_way, prefix=prefix)
