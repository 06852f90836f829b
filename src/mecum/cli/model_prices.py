"""`mecum models prices`: what models cost."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mecum.cli.output import DATA, DataOption, JsonOption, make_app, moment, moment_of, say, table, words, write_json

if TYPE_CHECKING:
    from mecum.cli.ground import Ground

prices = make_app("What models cost: list, set, history, export, import.")

KINDS = ("input", "cached", "cache_write", "output", "reasoning", "image", "second")
HEAD = ("IN", "CACHED", "KEPT", "OUT", "REASONING", "IMAGE", "SECOND")
NONE = ("-",) * len(HEAD)
CHANGES = {
    "new": "cli.price_new",
    "changed": "cli.price_changed",
    "same": "cli.price_same",
    "unknown": "cli.price_unknown",
    "malformed": "cli.price_malformed",
    "currency": "cli.price_currency",
}
SinceOption = Annotated[
    dt.datetime | None,
    typer.Option("--from", metavar="TIME", parser=moment_of, help="When it begins, 2026-12-01T00:00; else now."),
]
FormatOption = Annotated[Literal["csv", "json"], typer.Option(help="The kind of file.")]


@prices.command("list")
def list_prices(data: DataOption = DATA, json: JsonOption = False) -> None:
    """List the connected models with what they cost now: per million tokens, per image, per second of video."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> tuple[str, list[dict[str, Any]]]:
        async with model_commands(ground) as commands:
            return commands.prices.currency, await commands.prices.list()

    currency, found = on_ground(data, "mecum models prices list", work)
    if json:
        write_json({"currency": currency, "items": found})
        return
    rows = [(each["model"], *_amounts(each["price"]), _coming(each["coming"])) for each in found]
    print(table((f"MODEL ({currency})", *HEAD, "NEXT"), rows))


@prices.command("set")
def set_prices(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the model is called here.")],
    input: Annotated[str, typer.Option("--in", metavar="AMOUNT", help="A million tokens that it reads.")],  # noqa: A002
    output: Annotated[str, typer.Option("--out", metavar="AMOUNT", help="A million tokens that it writes.")],
    cached: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="A million that its provider had kept; else as --in.")
    ] = None,
    cache_write: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="A million that its provider keeps from then on; else as --in.")
    ] = None,
    reasoning: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="A million that it thinks and does not say; else as --out.")
    ] = None,
    image: Annotated[str | None, typer.Option(metavar="AMOUNT", help="An image that it makes.")] = None,
    second: Annotated[str | None, typer.Option(metavar="AMOUNT", help="A second of video that it makes.")] = None,
    since: SinceOption = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """State what a model costs from now or from a moment on. Earlier prices stay for what was used before."""
    from mecum.cli.ground import model_commands, on_ground

    given = {"input": input, "output": output, "cached": cached, "reasoning": reasoning}
    given |= {"cache_write": cache_write, "image": image, "second": second}

    async def work(ground: Ground) -> dict[str, Any]:
        async with model_commands(ground) as commands:
            return await commands.prices.state(name, given, since)

    stated = on_ground(data, "mecum models prices set", work)
    if json:
        write_json(stated)
    else:
        say(words("cli.price_stated", name=name, since=_since(stated)))


@prices.command("history")
def history(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the model is called here.")],
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Show all prices of a model with the moment from which each holds, the latest first."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> list[dict[str, Any]]:
        async with model_commands(ground) as commands:
            return await commands.prices.versions(name)

    found = on_ground(data, "mecum models prices history", work)
    if json:
        write_json(found)
        return
    print(table(("FROM", *HEAD, "CURRENCY"), [(_since(each), *_amounts(each), each["currency"]) for each in found]))


@prices.command("export")
def export(format: FormatOption = "csv", data: DataOption = DATA) -> None:  # noqa: A002 - the option's name
    """Write the prices that hold now to standard output, one line per model."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> str:
        async with model_commands(ground) as commands:
            return await commands.prices.export(format)

    sys.stdout.write(on_ground(data, "mecum models prices export", work))


@prices.command("import")
def import_prices(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A price file.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    since: SinceOption = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Take prices from a CSV or JSON file, as `mecum models prices export` writes it. Models that it does not name keep
    theirs.
    """
    from mecum.cli.ground import model_commands, on_ground

    text = file.read_text(encoding="utf-8-sig", errors="replace")

    async def work(ground: Ground) -> list[dict[str, Any]]:
        async with model_commands(ground) as commands:
            return await commands.prices.bring_in(text, file.name, since, apply=not dry_run)

    changes = on_ground(data, "mecum models prices import", work)
    if json:
        write_json({"applied": not dry_run, "changes": changes})
        return
    rows = [(each["model"] or each["line"], words(CHANGES[each["change"]]), _both(each)) for each in changes]
    print(table(("MODEL", "CHANGE", "IN/OUT"), rows))
    count = sum(each["change"] in ("new", "changed") for each in changes)
    say(words("cli.prices_would_change" if dry_run else "cli.prices_changed", count=count))


def _amounts(price: dict[str, Any] | None) -> tuple[str, ...]:
    return NONE if price is None else tuple(price[kind] for kind in KINDS)


def _since(price: dict[str, Any]) -> str:
    return moment(dt.datetime.fromisoformat(price["since"]))


def _coming(price: dict[str, Any] | None) -> str:
    return "-" if price is None else _since(price)


def _both(change: dict[str, Any]) -> str:
    before, after = (
        f"{side['input']}/{side['output']}" if side else "-" for side in (change["before"], change["after"])
    )
    return after if before in ("-", after) else f"{before} > {after}"
