"""`mecum public-url`: the address of the installation, and what another one would break."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mecum.cli.output import DATA, DataOption, JsonOption, make_app, say, words, write_json
from mecum.kit.errors import Conflict

if TYPE_CHECKING:
    from mecum.cli.ground import Ground, MadeLink, Move, Person

public_url = make_app("The address of the installation: show, set.")


@public_url.command("show")
def show(data: DataOption = DATA, json: JsonOption = False) -> None:
    """Write the address under which the installation was run last, on standard output."""
    from mecum.cli.ground import on_ground, people_commands

    async def work(ground: Ground) -> str | None:
        with people_commands(ground) as commands:
            return await commands.address()

    known = on_ground(data, "mecum public-url show", work)
    if json:
        write_json({"public_url": known})
    elif known is None:
        say(words("cli.address_unknown"))
    else:
        print(known)


def _usable(url: str) -> str:
    from mecum.kit.settings import usable_public_url

    try:
        return usable_public_url(url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@public_url.command("set")
def set_url(
    url: Annotated[
        str, typer.Argument(metavar="URL", callback=_usable, help="The new address: https://..., or one of localhost.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask, whatever breaks.")] = False,
    reset_links: Annotated[
        bool,
        typer.Option("--reset-links", help="Write a reset link for everybody who could not sign in any more."),
    ] = False,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Say what another address breaks, and let the next start be under it.

    Passkeys are bound to the host name, so under another one they stop working. Those who have nothing else to sign in
    with are listed; with --reset-links there is a link for each of them, which also takes their second factor away.
    Then start Mecum with --public-url URL. Scheme and port of the same host may change without this command.
    """
    from mecum.cli.ground import on_ground, people_commands

    async def work(ground: Ground) -> tuple[Move, list[tuple[Person, MadeLink]]]:
        with people_commands(replace(ground, public_url=url)) as commands:
            move = await commands.foresee_move(url)
            if not json:
                for line in _consequences(move):
                    say(line)
            if move.passkeys and not yes:
                _require_consent()
            await commands.move(url)
            return move, [(each, await commands.reset_link(each.email)) for each in move.locked_out if reset_links]

    move, links = on_ground(data, "mecum public-url set", work)
    if json:
        write_json(_shown(move, links))
        return
    for person, link in links:
        print(f"{person.email}  {link.url}")
    say(words("cli.address_set", url=url))


def _consequences(move: Move) -> Iterator[str]:
    """What it does, a sentence each."""
    if move.old is None or move.old == move.new:
        return
    yield words("cli.address_moves", old=move.old, new=move.new)
    if move.passkeys:
        yield words("cli.address_passkeys", count=move.passkeys, persons=move.persons)
    if move.locked_out:
        who = ", ".join(person.email for person in move.locked_out)
        yield words("cli.address_locked_out", count=len(move.locked_out), who=who)
    if move.signed_out:
        yield words("cli.address_sessions")
    yield words("cli.address_links")


def _require_consent() -> None:
    """Raises Conflict unless the person at the terminal agrees."""
    agreed = sys.stdin.isatty() and typer.confirm(words("cli.go_on"), err=True)
    if not agreed:
        raise Conflict("cli.not_agreed", "Nothing was changed.", "Say --yes to change it nevertheless.")


def _shown(move: Move, links: list[tuple[Person, MadeLink]]) -> dict[str, Any]:
    return {
        "old": move.old,
        "new": move.new,
        "passkeys": move.passkeys,
        "persons": move.persons,
        "locked_out": [person.email for person in move.locked_out],
        "signed_out": move.signed_out,
        "links": [
            {"email": person.email, "url": link.url, "expires_at": link.expires_at.isoformat()}
            for person, link in links
        ],
    }
