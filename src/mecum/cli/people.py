"""`mecum people`: accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mecum.cli.output import DATA, DataOption, JsonOption, make_app, moment, read_secret, say, table, words, write_json

if TYPE_CHECKING:
    from mecum.cli.ground import Ground, MadeLink, Person

people = make_app("Accounts: add, list, reset.")

EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]


@people.command("add")
def add(
    email: EmailArgument,
    role: Annotated[
        Literal["owner", "operator", "member"],
        typer.Option(help="owner: everything; operator: runs the installation; member: uses it."),
    ] = "member",
    name: Annotated[str | None, typer.Option(help="What Mecum calls the person; by default taken from EMAIL.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Make an account.

    Without a password it writes a link on standard output with which the person chooses one, or makes a passkey.
    """
    from mecum.cli.ground import on_ground, people_commands

    password = read_secret("password") if password_stdin else None

    async def work(ground: Ground) -> Any:
        with people_commands(ground) as commands:
            return await commands.add_person(email, role, password, name)

    added = on_ground(data, "mecum people add", work, create=True)
    if json:
        write_json({"person": _shown(added.person), "link": added.link and _shown_link(added.link)})
        return
    say(words("cli.person_added", email=added.person.email, role=added.person.role))
    if added.link:
        say(words("cli.person_link", until=moment(added.link.expires_at)))
        print(added.link.url)


@people.command("list")
def list_people(data: DataOption = DATA, json: JsonOption = False) -> None:
    """List all accounts, oldest first."""
    from mecum.cli.ground import on_ground, people_commands

    async def work(ground: Ground) -> tuple[Person, ...]:
        with people_commands(ground) as commands:
            return await commands.list_people()

    found = on_ground(data, "mecum people list", work)
    if json:
        write_json([_shown(person) for person in found])
        return
    if not found:
        say(words("cli.no_people"))
        return
    rows = [(each.email, each.name, each.role, each.state, moment(each.created_at)) for each in found]
    print(table(("EMAIL", "NAME", "ROLE", "STATE", "SINCE"), rows))


@people.command("reset")
def reset(email: EmailArgument, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Write a link on standard output with which the person chooses a new password.

    It takes the second factor away as well, so that nobody stays locked out: hand it over to the person alone.
    """
    from mecum.cli.ground import on_ground, people_commands

    async def work(ground: Ground) -> MadeLink:
        with people_commands(ground) as commands:
            return await commands.reset_link(email)

    link = on_ground(data, "mecum people reset", work)
    if json:
        write_json(_shown_link(link))
        return
    say(words("cli.person_link", until=moment(link.expires_at)))
    print(link.url)


def _shown(person: Person) -> dict[str, Any]:
    from mecum.kit.ids import encode

    return {
        "id": encode("prs", person.id),
        "email": person.email,
        "email_verified": person.email_verified,
        "name": person.name,
        "role": person.role,
        "state": person.state,
        "created_at": person.created_at.isoformat(),
    }


def _shown_link(link: MadeLink) -> dict[str, str]:
    return {"url": link.url, "expires_at": link.expires_at.isoformat()}
