"""What operators do with budgets, and people with their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import available_timezones

from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import Conflict, NotFound, TooLarge, Unprocessable
from mecum.kit.ids import encode, new_id
from mecum.kit.types import Page, PersonId, Principal
from mecum.rooms.models.budgets.keeper import Keeper
from mecum.rooms.models.budgets.rules import Period, Rule, SetBy, Subject, Unit, in_force
from mecum.rooms.models.ports import Ports
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import budgets as store
from mecum.rooms.models.store import unattributed
from mecum.rooms.models.store.budgets import Count

AMOUNT_MAX = 10**15
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class NewRule:
    """A budget to set. `timezone` None: that of who sets it."""

    subject: Subject
    subject_id: UUID | None
    unit: Unit
    amount: int
    period: Period
    hard: bool = True
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget and how it stands now.

    Args:
        count: None: nothing was spent in its period, or it has a count per person.
        unattributed: the part of what counts as spent that stood open when a process died; of all persons together
            where each has a count.
        name: of the person, key or organisation. person_name: whose key it is. None: gone, or nobody asked.
    """

    rule: Rule
    resets_at: dt.datetime
    count: Count | None = None
    name: str | None = None
    person_name: str | None = None
    unattributed: int = 0

    @property
    def spent(self) -> int:
        return 0 if self.count is None else self.count.spent


@dataclass(frozen=True, slots=True)
class Overview:
    """What each person has, with how many have used it up; and how many have a budget of their own."""

    each_person: Sequence[tuple[Standing, int]]
    subjects: Mapping[Subject, int]


class Budgets:
    def __init__(self, db: Database, clock: Clock, keeper: Keeper, ports: Ports, settings: ModelsSettings) -> None:
        self._db = db
        self._clock = clock
        self._keeper = keeper
        self._persons = ports.persons
        self._names = ports.names
        self._audit = ports.audit
        self._settings = settings
        self.currency = settings.currency

    async def all(
        self,
        cursor: UUID | None,
        limit: int,
        subject: UUID | None = None,
        kind: Subject | None = None,
        *,
        is_person: bool = False,
    ) -> Page[Standing]:
        """All budgets, oldest first, or those of one subject. `is_person`: also what holds for that person by default.

        Names stand beside them.
        """
        async with self._db.transaction() as connection:
            rules = await store.page(connection, cursor or FIRST, limit, subject, kind, with_default=is_person)
            owners = {rule.id: owner for rule in rules if (owner := rule.subject_id or subject) is not None}
            standing = await self._standing(connection, rules, owners)
        return Page(await self._named(standing), rules[-1].id.hex if len(rules) == limit else None)

    async def overview(self) -> Overview:
        now = self._clock.now()
        async with self._db.transaction() as connection:
            rules = await store.each_person(connection)
            used_up = await store.how_many_used_up(connection, [rule.id for rule in rules], now)
            standing = await self._standing(connection, rules, {})
            subjects = await store.how_many_subjects(connection)
        return Overview([(each, used_up.get(each.rule.id, 0)) for each in standing], subjects)

    async def _named(self, found: Sequence[Standing]) -> tuple[Standing, ...]:
        def ids(kind: Subject) -> set[UUID]:
            return {each.rule.subject_id for each in found if each.rule.subject == kind and each.rule.subject_id}

        people = {each.rule.person_id for each in found if each.rule.person_id}
        names = await self._names.names(people, ids("key"), ids("organisation"))

        def name(of: UUID | None) -> str | None:
            return None if of is None else names.get(of)

        return tuple(
            replace(each, name=name(each.rule.subject_id), person_name=name(each.rule.person_id)) for each in found
        )

    async def mine(self, principal: Principal) -> tuple[Standing, ...]:
        """The budgets that hold for `principal`, those of their keys included."""
        async with self._db.transaction() as connection:
            rules = in_force(await store.concerning(connection, principal.person, principal.organisation))
            return await self._standing(connection, rules, {rule.id: rule.owner(principal) for rule in rules})

    async def one(self, budget_id: UUID) -> Standing:
        """Raises NotFound."""
        async with self._db.transaction() as connection:
            rule = await _known(connection, budget_id)
            return (await self._standing(connection, [rule], {rule.id: rule.subject_id} if rule.subject_id else {}))[0]

    async def set(self, principal: Principal | None, new: NewRule, set_by: SetBy = "operator") -> UUID:
        """Set a budget.

        Raises:
            NotFound: no such person or key, or with `set_by` person one of somebody else. Conflict: the subject has one
            of this unit and period. Unprocessable: an amount or time zone that is not possible. TooLarge: too many.
        """
        person_id = await self._person_of(new)
        if set_by == "person" and (principal is None or person_id != principal.person):
            raise _no_subject()
        rule = Rule(
            id=new_id(),
            subject=new.subject,
            subject_id=new.subject_id,
            person_id=person_id,
            unit=new.unit,
            amount=_amount(new.amount),
            period=new.period,
            hard=new.hard,
            timezone=_timezone(new.timezone or (principal.timezone if principal is not None else "UTC")),
            set_by=set_by,
            created_at=self._clock.now(),
        )
        async with self._db.transaction() as connection:
            if await store.how_many(connection) >= self._settings.budgets_max:
                raise _too_many(self._settings.budgets_max)
            if not await store.add(connection, rule):
                raise _taken()
            await self._audit.record(connection, principal, "models.budget_set", f"bud_{rule.id.hex}", _details(rule))
        self._keeper.forget()
        return rule.id

    async def change(
        self, principal: Principal | None, budget_id: UUID, amount: int | None, hard: bool | None, *, own: bool = False
    ) -> None:
        """None keeps a value. `own`: only one that the principal set. Raises NotFound, Unprocessable."""
        values: dict[str, object] = {} if hard is None else {"hard": hard}
        if amount is not None:
            values["amount"] = _amount(amount)
        async with self._db.transaction() as connection:
            await _known(connection, budget_id, principal if own else None)
            if values:
                await store.change(connection, budget_id, **values)
            rule = await _known(connection, budget_id)
            await self._audit.record(
                connection, principal, "models.budget_changed", f"bud_{budget_id.hex}", _details(rule)
            )
        self._keeper.forget()

    async def remove(self, principal: Principal | None, budget_id: UUID, *, own: bool = False) -> None:
        """Raises NotFound. `own`: as `change`."""
        async with self._db.transaction() as connection:
            rule = await _known(connection, budget_id, principal if own else None)
            await store.remove(connection, budget_id)
            await self._audit.record(
                connection, principal, "models.budget_removed", f"bud_{budget_id.hex}", _details(rule)
            )
        self._keeper.forget()

    async def give_back(
        self, principal: Principal | None, budget_id: UUID, person: UUID | None, seen: int | None
    ) -> int:
        """Count what is not attributed as not spent, because a person decides so; gives how much that was.

        A second time changes nothing.

        Args:
            person: whose part of what each person has; None: of all. Any other budget has one count.
            seen: how much the person who decides saw to be not attributed; None: whatever it is.

        Raises:
            NotFound: no such budget. Conflict: by now it is another amount than `seen`.
        """
        now = self._clock.now()
        async with self._db.transaction() as connection:
            rule = await _known(connection, budget_id)
            owner = rule.subject_id or person
            lost = await unattributed.locked(connection, budget_id, owner, now)
            if not lost:
                return 0
            if seen is not None and seen != lost:
                raise _moved()
            await unattributed.give_back(connection, budget_id, owner, now)
            details = _details(rule) | {"given_back": lost}
            if rule.subject_id is None and person is not None:
                details["person"] = encode("prs", person)
            await self._audit.record(connection, principal, "models.budget_given_back", f"bud_{budget_id.hex}", details)
        return lost

    async def _standing(
        self, connection: AsyncConnection, rules: Sequence[Rule], owners: dict[UUID, UUID]
    ) -> tuple[Standing, ...]:
        now = self._clock.now()
        counts = await store.counts(connection, list(owners.items()), now)
        shared = [rule.id for rule in rules if rule.id not in owners]
        lost = await unattributed.totals(connection, shared, now)

        def standing(rule: Rule) -> Standing:
            count = counts.get((rule.id, owners.get(rule.id, rule.id)))
            of_it = lost.get(rule.id, 0) if count is None else count.unattributed
            return Standing(rule, rule.window(now).ends_at, count, unattributed=of_it)

        return tuple(standing(rule) for rule in rules)

    async def _person_of(self, new: NewRule) -> UUID | None:
        """The person whom it limits, or whose key. Raises NotFound, Unprocessable."""
        if (new.subject == "each_person") != (new.subject_id is None):
            raise Unprocessable("models.budget_subject", "This budget does not say whom it limits.")
        if new.subject_id is None or new.subject == "organisation":
            return None
        if new.subject == "person":
            await self._persons.person(PersonId(new.subject_id))
            return new.subject_id
        return await self._persons.key_owner(new.subject_id)


async def _known(connection: AsyncConnection, budget_id: UUID, own: Principal | None = None) -> Rule:
    rule = await store.get(connection, budget_id)
    if rule is None or (own is not None and (rule.set_by != "person" or rule.person_id != own.person)):
        raise NotFound("models.budget_unknown", "There is no such budget.")
    return rule


def _amount(amount: int) -> int:
    if not 0 <= amount <= AMOUNT_MAX:
        raise Unprocessable("models.budget_amount", "That is not a possible amount.", params={"max": AMOUNT_MAX})
    return amount


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise Unprocessable(
            "models.budget_timezone",
            f"There is no time zone {name[:64]}.",
            "Take one such as Europe/Brussels.",
            params={"timezone": name[:64]},
        )
    return name


def _details(rule: Rule) -> dict[str, str | int | bool]:
    return {
        "subject": rule.subject,
        "unit": rule.unit,
        "amount": rule.amount,
        "period": rule.period,
        "hard": rule.hard,
        "set_by": rule.set_by,
    }


def _no_subject() -> NotFound:
    return NotFound("models.budget_nobody", "There is nobody, or no key, of this id.")


def _taken() -> Conflict:
    return Conflict(
        "models.budget_taken",
        "There is a budget of this kind and time already.",
        "Change that one.",
    )


def _moved() -> Conflict:
    return Conflict(
        "models.budget_moved",
        "By now another amount of it is not attributed.",
        "Look at it again.",
    )


def _too_many(limit: int) -> TooLarge:
    return TooLarge(
        "models.budgets_too_many", f"There are {limit} budgets already.", "Remove some first.", params={"limit": limit}
    )
