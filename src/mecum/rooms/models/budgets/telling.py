"""Telling people that a budget is nearly used up, or is: each once in a period."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Param
from mecum.kit.notify import NotificationKind, Notify
from mecum.kit.types import OrganisationId, PersonId, SpaceId
from mecum.rooms.models.budgets.purse import Purse
from mecum.rooms.models.budgets.refusals import worded
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store.usage import UsageRecord

NEAR = NotificationKind("models.budget_near")
OVER = NotificationKind("models.budget_over")
NEAR_SHARE = 0.8
LINK = "/usage"


@dataclass(frozen=True, slots=True)
class Crossing:
    """So much was spent of a budget before and after some calls."""

    purse: Purse
    before: int
    after: int

    @property
    def kind(self) -> NotificationKind | None:
        """What to tell of it. One that many share is nobody's own to be told of."""
        amount = self.purse.rule.amount
        if self.purse.rule.subject == "organisation":
            return None
        if self.before < amount <= self.after:
            return OVER
        return NEAR if self.before < NEAR_SHARE * amount <= self.after else None


class BudgetTelling:
    def __init__(self, notify: Notify, settings: ModelsSettings) -> None:
        self._notify = notify
        self._currency = settings.currency
        notify.register([NEAR, OVER])

    async def tell(self, connection: AsyncConnection, crossing: Crossing, record: UsageRecord) -> None:
        """Tell whose call it was, in the caller's transaction, if there is something to tell."""
        kind, purse = crossing.kind, crossing.purse
        if kind is None:
            return
        rule, ends_at = purse.rule, purse.window.ends_at
        params: dict[str, Param] = {
            "limit": worded(rule.amount, rule.unit, self._currency),
            "spent": worded(crossing.after, rule.unit, self._currency),
            "resets_at": f"{ends_at.astimezone(ZoneInfo(rule.timezone)):%Y-%m-%d %H:%M} ({rule.timezone})",
            "resets": ends_at.isoformat(),
            "unit": rule.unit,
            "amount": rule.amount,
            "spent_amount": crossing.after,
            "currency": self._currency,
            "hard": rule.hard,
        }
        await self._notify.notify(
            connection,
            PersonId(record.person_id),
            SpaceId(record.space_id),
            OrganisationId(record.organisation_id),
            kind.name,
            params,
            LINK,
            f"{rule.id.hex}/{purse.owner.hex}/{purse.window.starts_at.isoformat()}",
        )
