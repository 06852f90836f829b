"""What this process has drawn from one period of one hard budget, and what became of it. No I/O.

    block       drawn from the database and not written there as spent or given back: the lease stands for it
    unwritten   spent, and not yet written
    reserved    held by calls that are under way, at the most that they can take

A call is let on only by what is free in the block, so whatever a process spends was drawn before. One that is killed
leaves its lease behind: what stood open counts as spent once the lease has run out, so a budget is never under-counted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from mecum.kit.ids import new_id
from mecum.rooms.models.budgets.rules import Rule, Window

BLOCK_SHARE = 100
"""A block is this part of the budget, or a call's need if that is more."""


@dataclass(slots=True, eq=False)
class Purse:
    """One period of one budget, of one owner, in this process. A soft budget has no block: it is only counted."""

    rule: Rule
    owner: UUID
    window: Window
    used_at: float
    lease: UUID = field(default_factory=new_id)
    block: int = 0
    reserved: int = 0
    unwritten: int = 0
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def free(self) -> int:
        return self.block - self.unwritten - self.reserved

    @property
    def is_idle(self) -> bool:
        return self.reserved == 0 and self.unwritten == 0

    def lacking(self, amount: int) -> int:
        """How much has to be drawn for `amount` more."""
        return max(0, amount - self.free)

    @property
    def block_size(self) -> int:
        """How much is drawn at least where that is there: for this call, and some further ones."""
        return self.rule.amount // BLOCK_SHARE

    def hold(self, amount: int, now: float) -> None:
        self.reserved += amount
        self.used_at = now

    def settle(self, held: int, spent: int, now: float) -> None:
        """A call has ended: it held so much, and took so much."""
        self.reserved -= held
        self.unwritten += spent
        self.used_at = now
        self._moved.set()

    def written(self, spent: int) -> None:
        """So much of what was spent stands in the database."""
        self.unwritten -= spent
        self.block = max(0, self.block - spent)

    async def moved(self, seconds: float) -> None:
        """Wait until some call gives something back, at most so long."""
        self._moved.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return
