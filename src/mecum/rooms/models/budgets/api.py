"""`/api` routes of budgets: parse, call, render."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from mecum.kit.errors import BadRequest
from mecum.kit.http import AccountCaller, Operator
from mecum.kit.ids import decode, encode
from mecum.kit.money import Micros
from mecum.rooms.models.bodies import LIMIT, Body, Limit, problems
from mecum.rooms.models.budgets.managing import AMOUNT_MAX, Budgets, NewRule, Overview, Standing
from mecum.rooms.models.budgets.rules import PREFIXES, Period, Subject, Unit
from mecum.rooms.models.pricing.amounts import AMOUNT_CHARS_MAX, amount, written

IdText = Annotated[str, StringConstraints(max_length=60)]
Cursor = Annotated[str | None, Query(max_length=40, description="`next` of the page before.")]
Amount = Annotated[int, Field(ge=0, le=AMOUNT_MAX)] | Annotated[str, StringConstraints(max_length=AMOUNT_CHARS_MAX)]
"""Tokens as a number, money as decimal text in units of the currency."""


class OwnBudgetBody(Body):
    """A cap of one's own: on everything, or on one key. `amount`: tokens as a number, money as text like "12.50"."""

    key: IdText | None = None
    unit: Unit
    amount: Amount
    period: Period
    hard: bool = True

    def new(self, person: UUID) -> NewRule:
        subject: Subject = "person" if self.key is None else "key"
        subject_id = person if self.key is None else decode("key", self.key)
        return NewRule(subject, subject_id, self.unit, amount_of(self.amount, self.unit), self.period, self.hard)


class BudgetBody(Body):
    """`subject_id` is absent for `each_person`; `timezone`, whose midnight begins a period, is yours if absent."""

    subject: Subject
    subject_id: IdText | None = None
    unit: Unit
    amount: Amount
    period: Period
    hard: bool = True
    timezone: Annotated[str, StringConstraints(max_length=64)] | None = None

    def new(self) -> NewRule:
        prefix = PREFIXES.get(self.subject, "")
        subject_id = None if self.subject_id is None else decode(prefix, self.subject_id)
        return NewRule(
            self.subject,
            subject_id,
            self.unit,
            amount_of(self.amount, self.unit),
            self.period,
            self.hard,
            self.timezone,
        )


class BudgetChangeBody(Body):
    """What is absent stays."""

    amount: Amount | None = None
    hard: bool | None = None


class GivingBackBody(Body):
    """`person`: of what each person has, only theirs. `unattributed`: what you saw; by then it may be more."""

    person: IdText | None = None
    unattributed: Amount


def amount_of(given: int | str, unit: Unit) -> int:
    """An amount as it was given, in tokens or micro-units. Raises Unprocessable, BadRequest."""
    if (unit == "money") != isinstance(given, str):
        raise BadRequest(
            "models.amount_kind", "Tokens are a number; money is text.", 'Write 100000 tokens, or "12.50" of money.'
        )
    return amount(given) if isinstance(given, str) else given


def shown(value: int, unit: Unit) -> int | str:
    return value if unit == "tokens" else written(Micros(value))


def budget_out(standing: Standing, currency: str) -> dict[str, Any]:
    """`spent` counts what is drawn by calls under way only when they have ended."""
    rule = standing.rule
    prefix = PREFIXES.get(rule.subject, "")
    return {
        "id": encode("bud", rule.id),
        "subject": rule.subject,
        "subject_id": None if rule.subject_id is None else encode(prefix, rule.subject_id),
        "unit": rule.unit,
        "currency": currency if rule.unit == "money" else None,
        "amount": shown(rule.amount, rule.unit),
        "spent": shown(standing.spent, rule.unit),
        "unattributed": shown(standing.unattributed, rule.unit),
        "period": rule.period,
        "resets_at": standing.resets_at.isoformat(),
        "hard": rule.hard,
        "timezone": rule.timezone,
        "set_by": rule.set_by,
    }


def listed_out(standing: Standing, currency: str) -> dict[str, Any]:
    """For operators, who see whose it is by name; `name` is null for whoever is gone."""
    person = standing.rule.person_id
    return budget_out(standing, currency) | {
        "name": standing.name,
        "person": None if person is None else {"id": encode("prs", person), "name": standing.person_name},
    }


def overview_out(overview: Overview, currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "each_person": [
            budget_out(standing, currency) | {"used_up": used_up} for standing, used_up in overview.each_person
        ],
        "persons": overview.subjects.get("person", 0),
        "keys": overview.subjects.get("key", 0),
        "organisations": overview.subjects.get("organisation", 0),
    }


def build_budget_router(budgets: Budgets) -> APIRouter:
    router = APIRouter()
    router.include_router(_all(budgets))
    router.include_router(_own(budgets))
    return router


def _all(budgets: Budgets) -> APIRouter:
    router = APIRouter()

    @router.get("/api/budgets", responses=problems(401, 403))
    async def list_budgets(
        caller: Operator,
        cursor: Cursor = None,
        limit: Limit = LIMIT,
        subject: Annotated[str | None, Query(max_length=60, description="Only those of this person, key, ...")] = None,
        kind: Annotated[Subject | None, Query(description="Only those of persons, keys, ...")] = None,
    ) -> dict[str, Any]:
        """All budgets, oldest first, each with what was spent of it in its current period.

        Those of a person are also those of their keys, and what each person has, with what this one spent of it.
        """
        whose, is_person = (None, False) if subject is None else (subject_of(subject), is_of_person(subject))
        page = await budgets.all(cursor_of(cursor), limit, whose, kind, is_person=is_person)
        return {"items": [listed_out(each, budgets.currency) for each in page.items], "next": page.next}

    @router.get("/api/budgets/overview", responses=problems(401, 403))
    async def overview(caller: Operator) -> dict[str, Any]:
        """What each person has, how many have used it up, and how many have a budget of their own from an operator."""
        return overview_out(await budgets.overview(), budgets.currency)

    @router.post("/api/budgets", status_code=201, responses=problems(401, 403, 404, 409, 413, 422))
    async def set_budget(caller: Operator, body: BudgetBody) -> dict[str, Any]:
        """Set a budget for a person, for each person, for a key or for an organisation."""
        return budget_out(await budgets.one(await budgets.set(caller, body.new())), budgets.currency)

    @router.patch("/api/budgets/{budget}", responses=problems(401, 403, 404, 422))
    async def change_budget(caller: Operator, budget: str, body: BudgetChangeBody) -> dict[str, Any]:
        """Change how much a budget allows, or whether it refuses what goes over it."""
        budget_id = decode("bud", budget)
        rule = (await budgets.one(budget_id)).rule
        wanted = None if body.amount is None else amount_of(body.amount, rule.unit)
        await budgets.change(caller, budget_id, wanted, body.hard)
        return budget_out(await budgets.one(budget_id), budgets.currency)

    @router.post("/api/budgets/{budget}/give-back", responses=problems(401, 403, 404, 409, 422))
    async def give_back(caller: Operator, budget: str, body: GivingBackBody) -> dict[str, Any]:
        """Count what is not attributed as not spent, because you know that it was not. What is recorded stays spent.

        A second time changes nothing. 409: by now it is another amount than you saw.
        """
        budget_id, person = decode("bud", budget), None if body.person is None else decode("prs", body.person)
        rule = (await budgets.one(budget_id)).rule
        await budgets.give_back(caller, budget_id, person, amount_of(body.unattributed, rule.unit))
        return budget_out(await budgets.one(budget_id), budgets.currency)

    @router.delete("/api/budgets/{budget}", status_code=204, responses=problems(401, 403, 404))
    async def remove_budget(caller: Operator, budget: str) -> None:
        """Remove a budget with its counts."""
        await budgets.remove(caller, decode("bud", budget))

    return router


def _own(budgets: Budgets) -> APIRouter:
    router = APIRouter()

    @router.get("/api/usage/budgets", responses=problems(401, 403))
    async def list_own_budgets(caller: AccountCaller) -> dict[str, Any]:
        """The budgets that hold for you and your keys, whoever set them."""
        return {"items": [budget_out(each, budgets.currency) for each in await budgets.mine(caller)], "next": None}

    @router.post("/api/usage/budgets", status_code=201, responses=problems(401, 403, 404, 409, 413, 422))
    async def set_own_budget(caller: AccountCaller, body: OwnBudgetBody) -> dict[str, Any]:
        """Set a cap of your own."""
        budget_id = await budgets.set(caller, body.new(caller.person), "person")
        return budget_out(await budgets.one(budget_id), budgets.currency)

    @router.patch("/api/usage/budgets/{budget}", responses=problems(401, 403, 404, 422))
    async def change_own_budget(caller: AccountCaller, budget: str, body: BudgetChangeBody) -> dict[str, Any]:
        """Change a cap that you set."""
        budget_id = decode("bud", budget)
        rule = (await budgets.one(budget_id)).rule
        wanted = None if body.amount is None else amount_of(body.amount, rule.unit)
        await budgets.change(caller, budget_id, wanted, body.hard, own=True)
        return budget_out(await budgets.one(budget_id), budgets.currency)

    @router.delete("/api/usage/budgets/{budget}", status_code=204, responses=problems(401, 403, 404))
    async def remove_own_budget(caller: AccountCaller, budget: str) -> None:
        """Remove a cap that you set."""
        await budgets.remove(caller, decode("bud", budget), own=True)

    return router


def cursor_of(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise BadRequest(
            "models.cursor_malformed", "This cursor is not one of ours.", "Begin without a cursor."
        ) from None


def subject_of(text: str) -> UUID:
    return decode("prs" if is_of_person(text) else text.partition("_")[0], text)


def is_of_person(text: str) -> bool:
    return not text.startswith(("key_", "org_"))
