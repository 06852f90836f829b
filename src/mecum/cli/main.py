"""`mecum ...`: the entry point.

Light: the module of a command is imported when the command is called, so that help and mistakes answer at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from mecum import __version__
from mecum.cli.output import report_error
from mecum.kit.errors import MecumError


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: where its `typer.Typer` is (`module:attribute`), and what the list of commands says about it."""

    name: str
    where: str
    help: str

    def load(self) -> Any:
        module, _, attribute = self.where.partition(":")
        command = typer.main.get_command(getattr(import_module(module), attribute))
        command.name = self.name
        return command


COMMANDS = (
    Entry("up", "mecum.cli.start:up", "Start Mecum and keep it running."),
    Entry("chat", "mecum.cli.chat:chat", "Talk to Mecum in this terminal."),
    Entry("people", "mecum.cli.people:people", "Accounts: add, list, reset."),
    Entry("keys", "mecum.cli.keys:keys", "API keys: add, list, revoke."),
    Entry("models", "mecum.cli.models:models", "Models: add, list, change, test, choose, remove."),
    Entry("budgets", "mecum.cli.budgets:budgets", "What people may use: list, set, give back, remove."),
    Entry("secrets", "mecum.cli.secrets:secrets", "Secrets at rest: list, rotate the keys."),
    Entry("public-url", "mecum.cli.public_url:public_url", "The address of the installation: show, set."),
    Entry("doctor", "mecum.cli.doctor:doctor", "Check everything and say how to mend it."),
    Entry("backup", "mecum.cli.backup:backup", "Write everything into one file."),
    Entry("restore", "mecum.cli.restore:restore", "Bring back what `mecum backup` wrote."),
    Entry("version", "mecum.cli.start:version", "Show which Mecum this is."),
)


class LazyGroup(typer.core.TyperGroup):
    """The group of all commands. Each one's module is imported when it is asked for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Only their names are read: where a mistyped one is compared with all.
        self.commands = {entry.name: typer.core.TyperCommand(entry.name) for entry in COMMANDS}
        self._entries = {entry.name: entry for entry in COMMANDS}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = self._entries.get(cmd_name)
        return None if entry is None else entry.load()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.help) for entry in COMMANDS])


app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"mecum {__version__}")
        raise typer.Exit


@app.callback()
def mecum(
    version: Annotated[
        bool, typer.Option("--version", help="Show which Mecum this is.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Mecum: one AI service that is yours, everywhere.

    Start it with `mecum up`; talk to it with `mecum chat`.
    """


def run(arguments: Sequence[str]) -> int:
    """Do one command.

    Returns:
        The exit code: 0 done, 1 something is wrong, 2 a mistake in the command line, 78 it can't work as it is set up,
        130 stopped with Ctrl-C. `mecum chat` has one more, see docs/terminal.md.
    """
    try:
        typer.main.get_command(app).main(list(arguments), prog_name="mecum")
    except MecumError as error:
        return report_error(error, json="--json" in arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def main() -> None:
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
