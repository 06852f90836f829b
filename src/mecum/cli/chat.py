"""`mecum chat`: the terminal surface, and its key."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mecum.cli.output import DATA, DataOption, JsonOption, make_app, say, words
from mecum.kit.errors import BadRequest, MecumError, Unauthenticated

if TYPE_CHECKING:
    from mecum.cli.ground import Ground, IssuedKey, Person
    from mecum.surfaces.terminal.line import Message

chat = make_app()

SCOPES = ("chat", "models", "threads")
PORT = "8080"


@chat.command()
def chat_command(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="The message; without it a page opens in the terminal."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(envvar="MECUM_SERVER", metavar="URL", help="The server; without it the one on this machine."),
    ] = None,
    thread: Annotated[str | None, typer.Option(metavar="ID", help="Go on in this thread.")] = None,
    last: Annotated[bool, typer.Option("--last", help="Go on where something happened last, on any device.")] = False,
    new: Annotated[
        bool, typer.Option("--new", help="Begin a new thread (it does so anyway without the others).")
    ] = False,
    attach: Annotated[
        list[Path] | None, typer.Option(metavar="PATH", help="Send this file with the message; once per file.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="A model, instead of what Mecum would choose.")
    ] = None,
    effort: Annotated[Literal["auto", "fast", "think"], typer.Option(help="How hard to think.")] = "auto",
    temporary: Annotated[bool, typer.Option("--temporary", help="Keep and remember nothing of this thread.")] = False,
    theme: Annotated[
        Literal["auto", "dark", "light"],
        typer.Option(envvar="MECUM_THEME", help="Colours of the page; auto asks the terminal for its background."),
    ] = "auto",
    login: Annotated[
        bool, typer.Option("--login", help="Get a key for this terminal and keep it in a file of mode 600.")
    ] = False,
    person: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="With --login on the server's machine: whose key.")
    ] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Talk to Mecum in this terminal.

    Without a message it opens a page with all threads. With one, or with something on standard input, it writes the
    answer on standard output: `git diff | mecum chat "review this"`.

    Exit codes: 0 answered, 1 it failed or a limit was reached, 3 Mecum asks something and nobody was there to answer,
    130 stopped with Ctrl-C.
    """
    if sum((bool(thread), last, new)) > 1:
        raise typer.BadParameter("--thread, --last and --new exclude each other")
    from mecum.surfaces.terminal.client import check_server
    from mecum.surfaces.terminal.keyfile import find_key, key_file
    from mecum.surfaces.terminal.line import Message, message_text

    where = check_server(server or f"http://localhost:{os.environ.get('MECUM_PORT') or PORT}")
    file = key_file(os.environ)
    if login:
        _log_in(where, file, data, person)
        return
    piped = None if sys.stdin.isatty() else sys.stdin.buffer.read(5 * 2**20)
    paging = not text and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    message = Message("", thread, last, attach or (), model, effort, temporary)
    if not paging:
        message = Message(message_text(text or (), piped), thread, last, attach or (), model, effort, temporary)
    key = find_key(file, where) or (_offer_key(where, file, data) if paging else None)
    if key is None:
        raise Unauthenticated(
            "terminal.no_key",
            f"This terminal has no key for {where}.",
            "Run: mecum chat --login",
            params={"server": where},
        )
    raise typer.Exit(_open_page(where, key, message, theme) if paging else _say_line(where, key, message, json))


def _say_line(server: str, key: str, message: Message, json: bool) -> int:
    import asyncio

    from mecum.surfaces.terminal.asking import TerminalAsker
    from mecum.surfaces.terminal.client import Client
    from mecum.surfaces.terminal.line import run_line, standard_console
    from mecum.surfaces.terminal.words import Words, environment_locale

    async def work() -> int:
        async with Client(server, key) as client:
            console = standard_console(TerminalAsker())
            return await run_line(client, message, console, Words(environment_locale()), as_json=json)

    return asyncio.run(work())


def _open_page(server: str, key: str, message: Message, theme: str) -> int:
    from mecum.surfaces.terminal.background import is_dark
    from mecum.surfaces.terminal.tui import open_page

    dark = is_dark() if theme == "auto" else theme == "dark"
    return open_page(server, key, message, dark=dark)


def _offer_key(server: str, file: Path, data: Path) -> str | None:
    """A person sits there without a key: say so and get one."""
    say(words("terminal.key_needed", server=server))
    return _log_in(server, file, data, None)


def _log_in(server: str, file: Path, data: Path, person: str | None) -> str:
    """Make a key on this machine's own installation, or take one from the person; keep it when the server knows it."""
    from mecum.surfaces.terminal.keyfile import find_key, keep_key

    find_key(file, server)  # refuses a file that others can read, before anything is made
    _ask_server(server, "", "session")
    made = _made_here(server, data, person)
    key = made if made is not None else _typed_key(server)
    _ask_server(server, key, "threads")
    keep_key(file, server, key)
    say(words("terminal.key_kept", file=str(file)))
    return key


def _made_here(server: str, data: Path, person: str | None) -> str | None:
    """A key made by whoever can open the data directory; None where the server is elsewhere, or it is not clear whose.

    Raises:
        MecumError: a person was named, but no key can be made for them.
    """
    from urllib.parse import urlsplit

    from mecum.surfaces.terminal.client import is_loopback

    if not is_loopback(urlsplit(server).hostname or "") or not os.access(data / "keys", os.R_OK):
        if person:
            raise BadRequest(
                "terminal.not_here",
                f"A key for {person} can only be made where the data directory of {server} is.",
                "Run it there, or make a key in the settings of the web client and leave out --person.",
                params={"person": person, "server": server},
            )
        return None
    try:
        return _issue(data, person)
    except MecumError:
        if person:
            raise
        return None  # somebody else's installation: the person gives a key


def _issue(data: Path, email: str | None) -> str | None:
    import socket

    from mecum.cli.ground import on_ground, people_commands

    async def work(ground: Ground) -> tuple[Person | None, IssuedKey | None]:
        with people_commands(ground) as commands:
            people = await commands.list_people()
            chosen = _whose(people, email)
            if chosen is None:
                return None, None
            return chosen, await commands.add_key(chosen.email, f"terminal on {socket.gethostname()}"[:100], SCOPES)

    chosen, issued = on_ground(data, "mecum chat --login", work)
    if chosen is None or issued is None:
        return None
    say(words("terminal.key_made", email=chosen.email))
    return issued.secret


def _whose(people: tuple[Person, ...], email: str | None) -> Person | None:
    """The person named, or the only active owner."""
    if email:
        return next((each for each in people if each.email.casefold() == email.casefold()), None)
    owners = [each for each in people if each.role == "owner" and each.state == "active"]
    return owners[0] if len(owners) == 1 else None


def _typed_key(server: str) -> str:
    from getpass import getpass

    say(words("terminal.key_where", server=server))
    key = (getpass(f"{words('terminal.key_prompt')} ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not key.startswith("mk_") or len(key) > 200:
        raise BadRequest("terminal.key_malformed", "That is no key.", "Keys begin with mk_.")
    return key


def _ask_server(server: str, key: str, what: Literal["session", "threads"]) -> None:
    """Raises MecumError when the server is not there, or does not take the key."""
    import asyncio

    from mecum.surfaces.terminal.client import Client

    async def work() -> None:
        async with Client(server, key) as client:
            await (client.session() if what == "session" else client.threads(limit=1))

    asyncio.run(work())
