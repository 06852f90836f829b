"""Telling people that a budget is nearly used up, or is: each once in a period.

Whose call it was is told of what is their own; who runs the installation of what they set for one person, a key or an
organisation, and of that its administrators too. What each person has is nobody's to watch: the page of budgets says
how many have used it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Param
from mecum.kit.ids import encode
from mecum.kit.notify import NotificationKind, Notify
from mecum.kit.types import OrganisationId, PersonId, SpaceId
from mecum.rooms.models.budgets.purse import Purse
from mecum.rooms.models.budgets.refusals import worded
from mecum.rooms.models.budgets.rules import PREFIXES, Rule
from mecum.rooms.models.ports import Overseer, Overseers
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store.usage import UsageRecord

NEAR = NotificationKind("models.budget_near")
OVER = NotificationKind("models.budget_over")
WATCHED_NEAR = NotificationKind("models.watched_budget_near")
WATCHED_OVER = NotificationKind("models.watched_budget_over")
NEAR_SHARE = 0.8
LINK = "/usage"


@dataclass(frozen=True, slots=True)
class Crossing:
    """So much was spent of a budget before and after some calls."""

    purse: Purse
    before: int
    after: int

    @property
    def level(self) -> Literal["near", "over"] | None:
        """What to tell of it."""
        amount = self.purse.rule.amount
        if self.before < amount <= self.after:
            return "over"
        return "near" if self.before < NEAR_SHARE * amount <= self.after else None


class BudgetTelling:
    def __init__(self, notify: Notify, overseers: Overseers, settings: ModelsSettings) -> None:
        self._notify = notify
        self._overseers = overseers
        self._currency = settings.currency
        notify.register([NEAR, OVER, WATCHED_NEAR, WATCHED_OVER])

    async def tell(self, connection: AsyncConnection, crossing: Crossing, record: UsageRecord) -> None:
        """Tell whose call it was, and who watches the budget, in the caller's transaction, if there is something."""
        if crossing.level is None:
            return
        rule = crossing.purse.rule
        params = self._params(crossing)
        if rule.subject != "organisation":
            kind = OVER if crossing.level == "over" else NEAR
            place = (PersonId(record.person_id), SpaceId(record.space_id), OrganisationId(record.organisation_id))
            await self._notify.notify(connection, *place, kind.name, params, LINK, _key(crossing))
        if rule.set_by == "operator" and rule.subject_id is not None:
            await self._tell_overseers(connection, crossing, record, params)

    async def _tell_overseers(
        self, connection: AsyncConnection, crossing: Crossing, record: UsageRecord, params: Mapping[str, Param]
    ) -> None:
        rule = crossing.purse.rule
        kind = WATCHED_OVER if crossing.level == "over" else WATCHED_NEAR
        # By id alone, so that erasing somebody needs no search here.
        whose = {"subject": rule.subject, "subject_id": _subject(rule)}
        organisation = OrganisationId(record.organisation_id) if rule.subject == "organisation" else None
        for each in await self._overseers.overseers(connection, organisation):
            if each.person == record.person_id and rule.subject != "organisation":
                continue  # They heard of it as their own.
            place = (each.person, each.space, each.organisation)
            await self._notify.notify(
                connection, *place, kind.name, {**params, **whose}, _link(rule, each), _key(crossing)
            )

    def _params(self, crossing: Crossing) -> dict[str, Param]:
        rule, ends_at = crossing.purse.rule, crossing.purse.window.ends_at
        return {
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


def _key(crossing: Crossing) -> str:
    """What is told once: the period of a budget. Its kind says how far it is used."""
    purse = crossing.purse
    return f"{purse.rule.id.hex}/{purse.owner.hex}/{purse.window.starts_at.isoformat()}"


def _subject(rule: Rule) -> str:
    return "" if rule.subject_id is None else encode(PREFIXES[rule.subject], rule.subject_id)


def _link(rule: Rule, told: Overseer) -> str:
    """Where they see it: an administrator of an organisation alone has it among what holds for themselves."""
    return f"/admin/budgets?subject={_subject(rule)}" if told.operates else LINK
