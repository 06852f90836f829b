"""Small things about terminals: backgrounds, control characters, words."""

from __future__ import annotations

import ast
import datetime as dt
import runpy
from collections.abc import Iterator

import pytest

from mecum.surfaces.terminal.background import is_dark, luminance, read_colour
from mecum.surfaces.terminal.frames import Hint, Thread
from mecum.surfaces.terminal.hints import hint_text
from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.tui.rail import grouped
from mecum.surfaces.terminal.tui.turns import time_of
from mecum.surfaces.terminal.words import Words, environment_locale
from tests.support.codes import SOURCE

LOCALES = runpy.run_path(str(SOURCE.parent.parent / "scripts" / "locales.py"))
SPEAKERS = {"words", "_words", "Unreadable"}
SPOKEN_IN = ("cli", "surfaces/terminal")


@pytest.mark.parametrize(
    ("answer", "dark"),
    [
        (b"\x1b]11;rgb:1616/1616/1414\x1b\\\x1b[?62;c", True),
        (b"\x1b]11;rgb:fbfb/fafa/f7f7\x07\x1b[?1;2c", False),
        (b"\x1b]11;rgba:ff/ff/ff/ff\x07", False),
    ],
)
def test_a_terminal_says_its_background(answer: bytes, dark: bool) -> None:
    colour = read_colour(answer)
    assert colour is not None and (luminance(colour) < 0.5) is dark


def test_a_terminal_that_says_nothing_is_taken_for_dark_unless_the_environment_knows() -> None:
    assert read_colour(b"\x1b[?62;c") is None
    assert is_dark({}) and is_dark({"COLORFGBG": "15;0"}) and is_dark({"COLORFGBG": "default;default"})
    assert not is_dark({"COLORFGBG": "0;15"})


@pytest.mark.parametrize("text", ["\x1b[2J", "\x1b]52;c;AAAA\x07", "a\rb", "\x9b31m", "\u202egnp.exe", "\x00"])
def test_control_characters_do_not_reach_the_terminal_and_lengths_stay(text: str) -> None:
    shown = plain(text)
    assert len(shown) == len(text) and all(char.isprintable() for char in shown)


def test_lines_tabs_and_every_script_pass() -> None:
    text = "One\n\ttwo — 你好, עברית, emoji 👩‍💻 é"
    assert plain(text) == text


def test_a_hint_says_what_is_known(words: Words) -> None:
    assert hint_text(Hint("r", "queued", None, None), words) == "Waiting in line"
    assert hint_text(Hint("r", "model_arriving", 0.434, 7300), words) == "The model is arriving  43 %  about 2 h"
    assert hint_text(Hint("r", "something_new", None, 3), words) == "Thinking…  about 3 s"


def test_the_language_is_that_of_the_environment() -> None:
    assert environment_locale({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}) == "zh_CN"
    assert environment_locale({"LANG": ""}) == "en"
    assert Words("zh_CN")("terminal.you") == "你"


def test_threads_are_grouped_by_day_with_pinned_ones_first(words: Words) -> None:
    now = dt.datetime(2026, 3, 20, 12, 0, tzinfo=dt.UTC)

    def thread(name: str, days: int, *, pinned: bool = False) -> Thread:
        return Thread(name, name, "chat", "idle", pinned, False, False, False, False, now - dt.timedelta(days=days))

    found = grouped([thread("old", 40), thread("week", 3), thread("pin", 9, pinned=True), thread("new", 0)], now, words)
    assert [(title, [each.id for each in group]) for title, group in found] == [
        ("Pinned", ["pin"]),
        ("Today", ["new"]),
        ("This week", ["week"]),
        ("Earlier", ["old"]),
    ]


def test_a_time_of_today_is_the_hour_and_before_it_the_day() -> None:
    now = dt.datetime.now(dt.UTC).replace(hour=12)
    assert ":" in time_of(now, now) and time_of(now - dt.timedelta(days=40), now).count("-") == 1


def test_every_word_of_commands_and_of_this_surface_is_there_in_both_languages_and_none_is_idle() -> None:
    said = set(codes_said())
    written = {value for node in nodes() if isinstance(node, ast.Constant) and isinstance(value := node.value, str)}
    for language in ("en", "zh"):
        known = LOCALES["parse"]((SOURCE / "locales" / f"{language}.po").read_text("utf-8"), language)
        assert not said - set(known), 'python scripts/locales.py add CODE --en "..." --zh "..."'
        ours = {code for code in known if code.startswith(("cli.", "terminal.", "doctor."))}
        assert not ours - said - written, "nobody says these any more: take them out of the catalogues"


def codes_said() -> Iterator[str]:
    """Every code that is given to `words(...)`, or travels in an `Unreadable`."""
    for node in nodes():
        if isinstance(node, ast.Call) and node.args and _name(node.func) in SPEAKERS:
            yield from _codes(node.args[0])


def nodes() -> Iterator[ast.AST]:
    """All that the surface and the commands are written of."""
    for folder in SPOKEN_IN:
        for path in sorted((SOURCE / folder).rglob("*.py")):
            yield from ast.walk(ast.parse(path.read_text("utf-8")))


def _codes(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_codes(node.body), *_codes(node.orelse))
    elif isinstance(node, ast.JoinedStr):
        yield from (f"terminal.try_{number}" for number in (1, 2, 3))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
