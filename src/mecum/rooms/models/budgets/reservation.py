"""What a call holds of budgets until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from mecum.kit.values import frozen
from mecum.rooms.models.budgets.purse import Purse
from mecum.rooms.models.budgets.rules import Amounts

Bound: TypeAlias = Callable[[int], Amounts]
"""The most that a call takes whose answer has so many tokens."""
Charge: TypeAlias = tuple[Purse, int]


@frozen
class Need:
    """What a call wants to be let on with.

    Args:
        bound: what it takes at most; grows with the tokens of the answer.
        output_tokens: of the answer at most, as the caller said; None: nothing was said.
        output_least: an answer that is cut shorter than this is of no use.
        counts: False for what no budget is asked for: the built-in model.
    """

    bound: Bound
    output_tokens: int | None
    output_least: int
    counts: bool = True


@dataclass(slots=True)
class Reservation:
    """What a call holds.

    Args:
        output_tokens: the answer may have so many tokens; None: nobody limits it.
        shortened: fewer than the caller asked for.
    """

    held: Sequence[Charge] = ()
    output_tokens: int | None = None
    shortened: bool = False
    _is_over: bool = field(default=False)

    def settle(self, amounts: Amounts, now: float) -> tuple[Charge, ...]:
        """The call has ended and took so much: what each budget is charged. Once: a second time charges nothing."""
        if self._is_over:
            return ()
        self._is_over = True
        charges: list[Charge] = []
        for purse, held in self.held:
            spent = amounts.of(purse.rule.unit)
            purse.settle(held, spent, now)
            charges.append((purse, spent))
        return tuple(charge for charge in charges if charge[1])


def longest(need: Need, purse: Purse, most: int) -> int:
    """The longest answer of at most `most` tokens that `purse` has room for; its shortest if that is more."""
    low, high = min(need.output_least, most), most
    if need.bound(high).of(purse.rule.unit) <= max(0, purse.free):
        return high  # As long as plenty is left.
    while low < high:
        middle = (low + high + 1) // 2
        if need.bound(middle).of(purse.rule.unit) <= max(0, purse.free):
            low = middle
        else:
            high = middle - 1
    return low
