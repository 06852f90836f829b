"""`mecum keys`: API keys."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mecum.cli.output import DATA, DataOption, JsonOption, make_app, moment, say, table, words, write_json

if TYPE_CHECKING:
    from mecum.cli.ground import Ground, IssuedKey, Key

keys = make_app("API keys: add, list, revoke.")

PersonOption = Annotated[str, typer.Option("--person", metavar="EMAIL", help="Whose key it is.")]
NameOption = Annotated[str, typer.Option("--name", help="What the key is called, e.g. what uses it.")]


class ScopeName(StrEnum):
    """As `mecum.kit.types.Scope`, in the form that options take."""

    chat = "chat"
    models = "models"
    threads = "threads"
    account = "account"
    admin = "admin"


DEFAULT_SCOPES = (ScopeName.chat, ScopeName.models, ScopeName.threads)


@keys.command("add")
def add(
    person: PersonOption,
    name: NameOption,
    scope: Annotated[
        list[ScopeName] | None,
        typer.Option(
            metavar="SCOPE",
            help="What it may do, once per scope; without it chat, models and threads. chat: talk to Mecum; models: "
            "use the models directly; threads: read and change threads; account: the own account; admin: what the "
            "person's role allows.",
        ),
    ] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Make a key and write it on standard output, alone on a line. It is shown this once.

    For the terminal of another machine: `mecum keys add --person EMAIL --name laptop`, and there `mecum chat --login`.
    """
    from mecum.cli.ground import on_ground, people_commands

    async def work(ground: Ground) -> IssuedKey:
        with people_commands(ground) as commands:
            return await commands.add_key(person, name, [each.value for each in scope or DEFAULT_SCOPES])

    issued = on_ground(data, "mecum keys add", work)
    if json:
        from mecum.kit.ids import encode

        shown = {"id": encode("key", issued.id), "name": issued.name, "scopes": sorted(issued.scopes)}
        write_json({**shown, "secret": issued.secret})
    else:
        print(issued.secret)


@keys.command("list")
def list_keys(
    person: Annotated[
        str | None, typer.Option("--person", metavar="EMAIL", help="Only the keys of this person.")
    ] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """List keys that are in force, newest first. A key is shown by how it begins."""
    from mecum.cli.ground import on_ground, people_commands

    async def work(ground: Ground) -> list[tuple[str, Key]]:
        with people_commands(ground) as commands:
            owners = [person] if person else [each.email for each in await commands.list_people()]
            return [(owner, key) for owner in owners for key in await commands.list_keys(owner)]

    found = on_ground(data, "mecum keys list", work)
    if json:
        write_json([_shown(owner, key) for owner, key in found])
        return
    if not found:
        say(words("cli.no_keys"))
        return
    rows = [_row(owner, key) for owner, key in found]
    print(table(("NAME", "PERSON", "KEY", "SCOPES", "MADE", "LAST USED"), rows))


@keys.command("revoke")
def revoke(person: PersonOption, name: NameOption, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Revoke the person's keys of this name. A running server follows within seconds."""
    from mecum.cli.ground import on_ground, people_commands

    async def work(ground: Ground) -> int:
        with people_commands(ground) as commands:
            return await commands.revoke_key(person, name)

    count = on_ground(data, "mecum keys revoke", work)
    if json:
        write_json({"revoked": count})
    else:
        say(words("cli.keys_revoked", count=count, name=name))


def _row(owner: str, key: Key) -> tuple[str, ...]:
    scopes = " ".join(sorted(key.scopes))
    return key.name, owner, f"{key.prefix}…", scopes, moment(key.created_at), moment(key.last_used_at)


def _shown(owner: str, key: Key) -> dict[str, Any]:
    from mecum.kit.ids import encode

    times = {"created_at": key.created_at, "last_used_at": key.last_used_at, "expires_at": key.expires_at}
    return {
        "id": encode("key", key.id),
        "person": owner,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": sorted(key.scopes),
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }
