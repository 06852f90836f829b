"""What stands on the page: the margin says who and when, the column says what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Markdown, Static

from mecum.surfaces.terminal.acts import act_words
from mecum.surfaces.terminal.frames import Hint
from mecum.surfaces.terminal.hints import hint_text
from mecum.surfaces.terminal.making import made_how
from mecum.surfaces.terminal.nodes import Act, Turn
from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.questions import question_of
from mecum.surfaces.terminal.tui.asking import QuestionCard
from mecum.surfaces.terminal.words import Words

BAR_CELLS = 24
SECONDS_SHOWN = 0.05
"""Less would be shown as nought."""
MARKS = {"running": "…", "done": "✓", "failed": "✗", "unknown": "?"}


class Row(Horizontal):
    """A margin and a column."""

    def __init__(self, margin: Content | str, *children: Widget, classes: str = "") -> None:
        super().__init__(classes=f"row {classes}")
        self.margin = Static(margin, classes="margin", markup=False)
        self.column = Vertical(*children, classes="column")

    def compose(self) -> ComposeResult:
        yield self.margin
        yield self.column


class AnswerText(Markdown):
    """Markdown that grows: what is new is appended, and only where text changed is all of it read again."""

    def __init__(self) -> None:
        super().__init__("", open_links=False)
        self._wanted: str = ""
        self._on_page: str = ""
        self._busy = False

    def show(self, text: str) -> None:
        """Show `text`, as soon as what was asked before is on the page."""
        self._wanted = plain(text)
        self.display = bool(text)
        if not self._busy and self._wanted != self._on_page:
            self._busy = True
            self.call_later(self._catch_up)

    async def _catch_up(self) -> None:
        try:
            while self._wanted != self._on_page:
                wanted = self._wanted
                if wanted.startswith(self._on_page) and self._on_page:
                    await self.append(wanted[len(self._on_page) :])
                else:
                    await self.update(wanted)
                self._on_page = wanted
        finally:
            self._busy = False


class TurnView(Row):
    """One message, or the work on an answer."""

    class BranchWanted(Message):
        """Another branch is to be shown: the one with the message or run `key`."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, words: Words, turn: Turn) -> None:
        super().__init__("", classes=turn.kind)
        self._words = words
        self.turn = turn
        self._hint: Hint | None = None
        self._open_thinking = False
        self.answer = AnswerText() if turn.kind == "answer" else None
        self._said = Static("", classes="said", markup=False)
        self._files = Static("", classes="files", markup=False)
        self._steps = Static("", classes="steps", markup=False)
        self._thinking = Static("", classes="thinking", markup=False)
        self._waiting = Static("", classes="waiting")
        self._note = Static("", classes="note", markup=False)
        self._cards: dict[str, QuestionCard] = {}

    def compose(self) -> ComposeResult:
        parts: list[Widget] = [self._said, self._files]
        if self.answer is not None:
            parts = [self._steps, self._thinking, self.answer, self._waiting, self._note]
        self.column = Vertical(*parts, classes="column")
        yield self.margin
        yield self.column

    def on_mount(self) -> None:
        self.show(self.turn, self._hint, open_thinking=self._open_thinking)

    def show(self, turn: Turn, hint: Hint | None = None, *, open_thinking: bool = False) -> None:
        """Bring the view up to what is known now."""
        self.turn, self._hint, self._open_thinking = turn, hint, open_thinking
        if not self.column.is_attached:
            return  # done when it is on the page
        self.margin.update(margin_of(turn, self._words, one_line=self.screen.has_class("-small")))
        if self.answer is None:
            self._show_person(turn)
        else:
            self._show_answer(self.answer, turn, hint, open_thinking)

    def _show_person(self, turn: Turn) -> None:
        node = turn.node
        assert node is not None
        _fill(self._said, self._words("terminal.erased") if node.erased else plain(turn.text))
        files = (f"▪ {plain(file.name)}  {self._words.size(file.size_bytes)}" for file in node.attachments)
        _fill(self._files, "\n".join(files))

    def _show_answer(self, answer: AnswerText, turn: Turn, hint: Hint | None, open_thinking: bool) -> None:
        run = turn.run
        _fill(self._steps, steps_of(run.acts, self._words) if run else "")
        thought = plain(turn.reasoning.strip())
        _fill(self._thinking, thought if open_thinking else self._words("terminal.thought") if thought else "")
        answer.show(self._words("terminal.erased") if turn.node and turn.node.erased else turn.text)
        working = turn.node is None and run is not None and not run.finished
        waiting = bool(run and any(wait.answer is None for wait in run.waits))
        text: Content | str = ""
        if working and not waiting:
            text = progress_of(hint, self._words) if hint else "" if turn.text else self._words("terminal.thinking")
        _fill(self._waiting, text)
        self._show_note(turn)
        self._show_waits(turn)

    def _show_note(self, turn: Turn) -> None:
        finished = turn.run.finished if turn.run else None
        reason = finished.reason if finished else ""
        text = ""
        if reason == "failed" and finished:
            text = plain(self._words.problem(finished.error)) or self._words("terminal.failed")
        elif reason == "stopped":
            text = self._words("terminal.stopped")
        elif reason == "limit":
            text = self._words("terminal.limit")
        elif turn.node and turn.node.finish == "length":
            text = self._words("terminal.cut")
        elif finished is not None:
            text = made_how(finished, self._words)
        _fill(self._note, text)
        self._note.set_class(reason == "failed", "failed")

    def _show_waits(self, turn: Turn) -> None:
        for wait in turn.run.waits if turn.run else ():
            card = self._cards.get(wait.id)
            over = wait.answer is not None or bool(turn.run and turn.run.finished)
            if card is None:
                card = self._cards[wait.id] = QuestionCard(question_of(wait, self._words), self._words)
                self.column.mount(card, before=self._note)
            if over:
                card.close(wait.answer)


def margin_of(turn: Turn, words: Words, *, one_line: bool) -> Content:
    """Who and when, and which branch of how many."""
    who = words("terminal.you") if turn.kind == "person" else "Mecum"
    when = time_of(turn.at) if turn.at else ""
    between = " " if one_line else "\n"
    branch = f"{between}‹{turn.place}/{turn.places}›" if turn.places > 1 else ""
    return Content.assemble((who, "bold"), between, (when, "$muted"), (branch, "$teal"))


def time_of(at: dt.datetime, now: dt.datetime | None = None) -> str:
    """The time for today, the day for all before."""
    here = at.astimezone()
    today = (now or dt.datetime.now(dt.UTC)).astimezone()
    return here.strftime("%H:%M") if here.date() == today.date() else here.strftime("%m-%d")


def steps_of(acts: Iterable[Act], words: Words) -> str:
    """What was done for an answer, in one line."""
    known = tuple(acts)
    if not known:
        return ""
    seconds = sum(act.seconds or 0 for act in known)
    parts = [f"{MARKS[act.state]} {act_words(act, words)}" for act in known]
    return "  ".join(parts) + (f"  · {seconds:.1f} s" if seconds >= SECONDS_SHOWN else "")


def progress_of(hint: Hint, words: Words) -> Content:
    """Why nothing comes yet, with a bar where one knows how far it is."""
    text = hint_text(hint, words)
    if hint.progress is None:
        return Content(text)
    return Content.assemble(*bar_of(hint.progress), "  ", text)


def bar_of(progress: float) -> tuple[Any, ...]:
    full = round(BAR_CELLS * min(1.0, max(0.0, progress)))
    return ("━" * full, "$teal"), ("━" * (BAR_CELLS - full), "$track")


def _fill(widget: Static, text: Content | str | Text) -> None:
    """Show `text`, and nothing at all, not even an empty line, where there is none."""
    widget.update(text)
    widget.display = bool(str(text))
