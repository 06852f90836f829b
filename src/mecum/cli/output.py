"""What commands have in common: options, words, tables, JSON, errors, progress. Light: nothing heavy at import."""

from __future__ import annotations

import datetime as dt
import json as json_module
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from mecum.cli.link import EXIT_REFUSED
from mecum.cli.report import locale_of_environment
from mecum.kit.errors import BadRequest, MecumError, Param, StartError
from mecum.kit.places import default_data

if TYPE_CHECKING:
    from mecum.kit.i18n import I18n

DATA = default_data()
EXIT_PROBLEM = 1
SECRET_CHARS_MAX = 4096


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


DataOption: TypeAlias = Annotated[
    Path,
    typer.Option("--data", envvar="MECUM_DATA", metavar="DIR", callback=_absolute, help="The data directory."),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


def make_app(help: str = "") -> typer.Typer:  # noqa: A002 - as typer calls it
    """A `typer.Typer` in the style of this house: plain help, plain errors."""
    return typer.Typer(
        help=help or None,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


@cache
def _i18n() -> I18n:
    from mecum.kit.i18n import I18n

    return I18n()


def words(code: str, **params: Param) -> str:
    """The words for `code` in the language of the environment."""
    return _i18n().text(locale_of_environment(), code, **params)


def say(text: str) -> None:
    """A sentence to the person. It goes to standard error where standard output is for a result."""
    print(text, file=sys.stderr)


def write_json(value: Any) -> None:
    """One JSON document on standard output."""
    indent = 2 if sys.stdout.isatty() else None
    print(json_module.dumps(value, ensure_ascii=False, indent=indent, default=str))


def report_error(error: MecumError, *, json: bool = False) -> int:
    """Say what happened and what to do on standard error.

    Returns:
        The exit code: 78 (EX_CONFIG, sysexits.h) when trying again changes nothing before the set-up does, else 1.
    """
    detail, hint = _i18n().error(locale_of_environment(), error)
    if json:
        known: dict[str, Any] = {"code": error.code, "detail": detail, "hint": hint, "params": dict(error.params)}
        print(
            json_module.dumps({"error": {**known, "retryable": error.retryable}}, ensure_ascii=False), file=sys.stderr
        )
    else:
        print("\n".join(part for part in (f"mecum: {detail}", hint) if part), file=sys.stderr)
    return EXIT_REFUSED if isinstance(error, StartError) and not error.retryable else EXIT_PROBLEM


def width(text: str) -> int:
    """How many columns of a terminal `text` takes: most Chinese characters take two."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns, as wide as what stands in them."""
    lines = [list(head), *([" ".join(cell.split()) for cell in row] for row in rows)]
    widths = [max(width(line[column]) for line in lines) for column in range(len(head))]
    padded = (
        "  ".join(cell + " " * (room - width(cell)) for cell, room in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    first, *rest = padded
    return "\n".join([_bold(first), *rest])


def _bold(text: str) -> str:
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR")
    return text if plain else f"\x1b[1m{text}\x1b[0m"


def read_secret(name: str) -> str:
    """The first line of standard input: how secrets are given, because a command line can be read by everybody.

    Raises:
        BadRequest: it is empty or far too long.
    """
    line = sys.stdin.readline(SECRET_CHARS_MAX + 2).rstrip("\r\n")
    if not line or len(line) > SECRET_CHARS_MAX:
        raise BadRequest(
            "cli.no_secret",
            f"There is no {name} on standard input.",
            "Give it as the one line of standard input.",
            params={"name": name},
        )
    return line


class Progress:
    """One line on standard error that shows how far something is, on a terminal; nothing elsewhere.

    Args:
        what: said before the figures.
        total: how much it will be, or None where that is not known.
        shown: how an amount is written; by default as bytes.
    """

    def __init__(self, what: str, total: int | None = None, shown: Callable[[int], str] | None = None) -> None:
        self._what = what
        self._total = total
        self._amount = shown or size
        self._shown = ""
        self._live = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """So much so far."""
        if not self._live:
            return
        text = f"{self._what}  {self._amount(done)}"
        if self._total:
            text += f" / {self._amount(self._total)}  {min(100, done * 100 // self._total)} %"
        if text != self._shown:
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()
            self._shown = text

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = ""


def size(count: int) -> str:
    """Bytes for people, in powers of 1000 as disks are sold."""
    value, units = float(count), ("B", "kB", "MB", "GB", "TB")
    for unit in units[:-1]:
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} {units[-1]}"


def moment(time: dt.datetime | None) -> str:
    """A time for people, in the machine's zone, to the minute; "-" for never."""
    return "-" if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M")


def moment_of(text: str) -> dt.datetime:
    """A time that a person gave, as 2026-12-01 or 2026-12-01T09:00; in the machine's zone where it names none."""
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("Write it as 2026-12-01 or 2026-12-01T09:00.") from None
    return time.astimezone()
