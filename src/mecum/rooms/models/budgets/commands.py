"""Budgets from the command line, shaped as the API has them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from mecum.kit.types import PersonId
from mecum.rooms.models.budgets.api import budget_out, shown
from mecum.rooms.models.budgets.managing import Budgets, NewRule
from mecum.rooms.models.budgets.rules import Period, Unit
from mecum.rooms.models.ports import NoPersons
from mecum.rooms.models.pricing.amounts import amount

LISTED_AT_ONCE = 200


class Found(NoPersons):
    """Whoever a command names was found by their address a moment ago."""

    async def person(self, person: PersonId) -> object:
        return person


class BudgetCommands:
    def __init__(self, budgets: Budgets) -> None:
        self.currency = budgets.currency
        self._budgets = budgets

    async def list(self) -> list[dict[str, Any]]:
        """All budgets, oldest first."""
        items: list[dict[str, Any]] = []
        cursor: UUID | None = None
        while True:
            page = await self._budgets.all(cursor, LISTED_AT_ONCE)
            items += [budget_out(each, self.currency) for each in page.items]
            if page.next is None:
                return items
            cursor = UUID(hex=page.next)

    async def set(
        self, person: UUID | None, unit: Unit, most: str, period: Period, *, hard: bool, timezone: str
    ) -> dict[str, Any]:
        """Set a budget of a person, or of each person; one that is there already is changed.

        Args:
            most: tokens as a number, or an amount of money; as text.

        Raises:
            Unprocessable: not an amount, or no time zone. TooLarge: too many budgets.
        """
        subject = "each_person" if person is None else "person"
        wanted = amount(most) if unit == "money" else int(most)
        for each in await self.list():
            same = (each["subject"], each["unit"], each["period"], each["set_by"])
            whose = None if person is None else f"prs_{person.hex}"
            if same == (subject, unit, period, "operator") and each["subject_id"] == whose:
                budget_id = UUID(hex=each["id"].removeprefix("bud_"))
                await self._budgets.change(None, budget_id, wanted, hard)
                break
        else:
            new = NewRule(subject, person, unit, wanted, period, hard, timezone)
            budget_id = await self._budgets.set(None, new)
        return budget_out(await self._budgets.one(budget_id), self.currency)

    async def give_back(self, budget_id: UUID, person: UUID | None) -> dict[str, Any]:
        """Count what is not attributed as not spent, of all or of one person; `given_back` says how much that was.

        Raises NotFound.
        """
        given = await self._budgets.give_back(None, budget_id, person, None)
        standing = await self._budgets.one(budget_id)
        return budget_out(standing, self.currency) | {"given_back": shown(given, standing.rule.unit)}

    async def remove(self, budget_id: UUID) -> None:
        """Raises NotFound."""
        await self._budgets.remove(None, budget_id)
