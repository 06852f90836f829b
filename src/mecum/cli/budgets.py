"""`mecum budgets`: what people may use."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mecum.cli.output import DATA, DataOption, JsonOption, make_app, say, table, words, write_json

if TYPE_CHECKING:
    from mecum.cli.ground import Ground

budgets = make_app("What people may use: list, set, give back, remove.")


class PeriodName(StrEnum):
    """As `mecum.rooms.models.budgets.rules.Period`, in the form that options take."""

    day = "day"
    week = "week"
    month = "month"


PersonOption = Annotated[
    str | None, typer.Option("--person", metavar="EMAIL", help="Whom it limits; without it each person.")
]


@budgets.command("list")
def list_budgets(data: DataOption = DATA, json: JsonOption = False) -> None:
    """List all budgets with what is spent of them."""
    from mecum.cli.ground import model_commands, on_ground, people_commands

    async def work(ground: Ground) -> tuple[list[dict[str, Any]], dict[str, str]]:
        async with model_commands(ground) as commands:
            found = await commands.budgets.list()
        with people_commands(ground) as people:
            names = {f"prs_{each.id.hex}": each.email or each.name for each in await people.list_people()}
        return found, names

    found, names = on_ground(data, "mecum budgets list", work)
    if json:
        write_json(found)
        return
    if not found:
        say(words("cli.no_budgets"))
        return
    rows = [
        (
            each["id"],
            names.get(each["subject_id"] or "", each["subject_id"] or "each person"),
            f"{each['amount']} {each['currency'] or 'tokens'} a {each['period']}",
            str(each["spent"]) if each["subject_id"] else "-",
            str(each["unattributed"]) if float(each["unattributed"]) else "-",
            "hard" if each["hard"] else "soft",
            each["set_by"],
        )
        for each in found
    ]
    print(table(("BUDGET", "WHO", "AT MOST", "SPENT", "NOT ATTRIBUTED", "", "SET BY"), rows))


@budgets.command("set")
def set_budget(
    tokens: Annotated[int | None, typer.Option(min=0, help="So many tokens, read and written together.")] = None,
    money: Annotated[str | None, typer.Option(metavar="AMOUNT", help="So much money, as 12.50.")] = None,
    per: Annotated[PeriodName, typer.Option(help="In each day, week or month.")] = PeriodName.month,
    person: PersonOption = None,
    soft: Annotated[bool, typer.Option("--soft", help="Only count and tell; refuse nothing.")] = False,
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Whose midnight begins a new one.")] = "UTC",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Set what a person, or each person, may use; or change what was set before."""
    from mecum.cli.ground import model_commands, on_ground, people_commands

    if (tokens is None) == (money is None):
        raise typer.BadParameter("give --tokens or --money")

    async def work(ground: Ground) -> dict[str, Any]:
        whose = None
        if person is not None:
            with people_commands(ground) as people:
                whose = (await people.person(person)).id
        async with model_commands(ground) as commands:
            return await commands.budgets.set(
                whose,
                "money" if tokens is None else "tokens",
                str(money if tokens is None else tokens),
                per.value,
                hard=not soft,
                timezone=timezone,
            )

    made = on_ground(data, "mecum budgets set", work)
    if json:
        write_json(made)
    else:
        unit = made["currency"] or "tokens"
        say(words("cli.budget_set", amount=f"{made['amount']} {unit}", budget=made["id"]))


@budgets.command("give-back")
def give_back(
    budget: Annotated[str, typer.Argument(metavar="BUDGET", help="Its id, as `mecum budgets list` shows it.")],
    person: Annotated[
        str | None, typer.Option("--person", metavar="EMAIL", help="Of what each person has, only theirs.")
    ] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Count as not spent what is not attributed, because you know that it was not used."""
    from mecum.cli.ground import model_commands, on_ground, people_commands
    from mecum.kit.ids import decode

    budget_id = decode("bud", budget)

    async def work(ground: Ground) -> dict[str, Any]:
        whose = None
        if person is not None:
            with people_commands(ground) as people:
                whose = (await people.person(person)).id
        async with model_commands(ground) as commands:
            return await commands.budgets.give_back(budget_id, whose)

    found = on_ground(data, "mecum budgets give-back", work)
    if json:
        write_json(found)
    elif found["given_back"] in (0, "0.00"):
        say(words("cli.budget_nothing_lost"))
    else:
        say(words("cli.budget_given_back", amount=f"{found['given_back']} {found['currency'] or 'tokens'}"))


@budgets.command("remove")
def remove(
    budget: Annotated[str, typer.Argument(metavar="BUDGET", help="Its id, as `mecum budgets list` shows it.")],
    data: DataOption = DATA,
) -> None:
    """Remove a budget with its counts."""
    from mecum.cli.ground import model_commands, on_ground
    from mecum.kit.ids import decode

    budget_id = decode("bud", budget)

    async def work(ground: Ground) -> None:
        async with model_commands(ground) as commands:
            await commands.budgets.remove(budget_id)

    on_ground(data, "mecum budgets remove", work)
    say(words("cli.budget_removed"))
