"""Asking the person in line mode, on the terminal itself: standard input may be a pipe."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any, Protocol, TextIO

from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.questions import Field, Question, Unreadable, read_value
from mecum.surfaces.terminal.words import Words

TERMINAL = "/dev/tty"
ATTEMPTS_MAX = 5


class Asker(Protocol):
    async def ask(self, question: Question, words: Words) -> dict[str, Any] | None:
        """The answer, or None when nobody gave one."""
        ...


class TerminalAsker:
    """Asks on `/dev/tty`."""

    async def ask(self, question: Question, words: Words) -> dict[str, Any] | None:
        return await asyncio.to_thread(self._ask, question, words)

    def _ask(self, question: Question, words: Words) -> dict[str, Any] | None:
        with ExitStack() as stack:
            try:
                source = stack.enter_context(open(TERMINAL, encoding="utf-8", errors="replace"))
                target = stack.enter_context(open(TERMINAL, "w", encoding="utf-8"))
            except OSError:
                return None  # no terminal: nobody can answer
            return ask_on(source, target, question, words)


def ask_on(source: TextIO, target: TextIO, question: Question, words: Words) -> dict[str, Any] | None:
    """Ask line by line. None when the input ends or no answer can be read."""
    target.write(f"\n\x1b[1m{plain(question.title)}\x1b[0m\n")
    if question.text:
        target.write(f"{plain(question.text)}\n")
    if question.choices:
        labels = tuple(label for _, label in question.choices)
        chosen = _ask_field(source, target, Field("choice", "", "choice", required=True, options=labels), words)
        values = {label: value for value, label in question.choices}
        return None if chosen is None else {question.choice_name: values[chosen]}
    answer: dict[str, Any] = {}
    for field in question.fields:
        value = _ask_field(source, target, field, words)
        if value is None and field.required:
            return None
        if value is not None:
            answer[field.name] = value
    return answer


def _ask_field(source: TextIO, target: TextIO, field: Field, words: Words) -> Any:
    target.writelines(f"  {number}  {plain(option)}\n" for number, option in enumerate(field.options, 1))
    for _ in range(ATTEMPTS_MAX):
        target.write(f"{_prompt(field, words)} ")
        target.flush()
        line = source.readline()
        if not line:
            return None
        try:
            return read_value(field, line)
        except Unreadable as error:
            target.write(f"{words(error.code)}\n")
    return None


def _prompt(field: Field, words: Words) -> str:
    marks = {"yes_no": words("terminal.yes_no_mark"), "date": words("terminal.date_mark")}
    parts = [plain(field.label), field.help and f"({plain(field.help)})", marks.get(field.kind, "")]
    return " ".join(part for part in parts if part) + ">"
