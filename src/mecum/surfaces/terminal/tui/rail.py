"""The list of threads, with its search."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mecum.surfaces.terminal.client import Shelf
from mecum.surfaces.terminal.frames import Found, Thread
from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.words import Words

QUERY_PAUSE_S = 0.25
TITLE_CHARS_MAX = 200
SNIPPET_CHARS_MAX = 80
SHELVES: Mapping[Shelf, str] = {"archived": "terminal.shelf_archived", "deleted": "terminal.shelf_deleted"}
"""What stands above the list of a shelf that is not the usual one."""


class Rail(Vertical):
    """What was talked about."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    class Chosen(Message):
        """A thread was chosen."""

        def __init__(self, thread: str) -> None:
            super().__init__()
            self.thread = thread

    class Searched(Message):
        """The person looks for `query`; "" for all threads again."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query = query

    class Left(Message):
        """The person wants to go back to the page."""

    class MoreWanted(Message):
        """The end of the list was reached."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="rail")
        self._words = words
        self._typing: Timer | None = None
        self._current: str | None = None
        self._searching = False
        self._search = Input(placeholder=words("terminal.search"), id="search", compact=True)
        self._shelf = Static("", classes="shelf", markup=False)
        self._list = OptionList(id="threads", compact=True, markup=False)
        self._empty = Static("", classes="empty", markup=False)

    def compose(self) -> ComposeResult:
        yield Static(Content.assemble(("▌", "$teal"), (" Mecum", "bold")), classes="brand")
        yield self._search
        yield self._shelf
        yield self._list
        yield self._empty

    @property
    def searching(self) -> bool:
        return bool(self._search.value.strip())

    def show_threads(self, threads: Sequence[Thread], current: str | None, now: dt.datetime, shelf: Shelf) -> None:
        """The threads of a shelf, grouped by when something happened in them."""
        self._shelf.update(self._words(SHELVES[shelf]) if shelf in SHELVES else "")
        self._shelf.display = shelf in SHELVES
        if self.searching:
            return
        options: list[Option] = []
        for title, group in grouped(threads, now, self._words):
            options.append(Option(Content.styled(title, "$muted"), disabled=True))
            options += [Option(_line(thread), id=thread.id) for thread in group]
        empty = "terminal.no_threads_yet" if shelf == "open" else "terminal.nothing_here"
        self._fill(options, current, self._words(empty))

    def show_found(self, found: Sequence[Found], current: str | None) -> None:
        """What the search found: the title, the file where it is one, and the words around the hit."""
        options = [Option(_found(each), id=f"{number}:{each.thread.id}") for number, each in enumerate(found)]
        self._fill(options, current, self._words("terminal.nothing_found"))

    def take_focus(self, *, search: bool) -> None:
        (self._search if search or not self._list.display else self._list).focus()

    def action_leave(self) -> None:
        if self.searching:
            self._search.value = ""
        else:
            self.post_message(self.Left())

    def _fill(self, options: Iterable[Option], current: str | None, empty: str) -> None:
        highlighted = self._list.highlighted if self._list.has_focus else None
        chosen = self._list.get_option_at_index(highlighted).id if highlighted is not None else current
        self._list.clear_options()
        self._list.add_options(options)
        self._empty.update(empty)
        self._list.display = bool(self._list.option_count)
        self._empty.display = not self._list.display
        for number in range(self._list.option_count):
            found = self._list.get_option_at_index(number).id
            if found is not None and found.rpartition(":")[2] == (chosen or "").rpartition(":")[2]:
                self._list.highlighted = number
                return
        self._list.highlighted = None

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(QUERY_PAUSE_S, self._ask)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._list.focus()
        if self._list.highlighted is None:
            self._list.action_first()

    def _ask(self) -> None:
        self.post_message(self.Searched(self._search.value.strip()))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(event.option_id.rpartition(":")[2]))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index >= self._list.option_count - 3 and not self.searching:
            self.post_message(self.MoreWanted())


def grouped(threads: Sequence[Thread], now: dt.datetime, words: Words) -> list[tuple[str, list[Thread]]]:
    """Threads under the words for when they were touched, the newest first. Pinned ones stand above all."""
    groups: dict[str, list[Thread]] = {}
    newest = sorted(threads, key=lambda thread: thread.updated_at, reverse=True)
    for thread in sorted(newest, key=lambda thread: not thread.pinned):
        groups.setdefault(_group(thread, now, words), []).append(thread)
    return list(groups.items())


def _group(thread: Thread, now: dt.datetime, words: Words) -> str:
    if thread.pinned:
        return words("terminal.pinned")
    days = (now.astimezone().date() - thread.updated_at.astimezone().date()).days
    if days <= 0:
        return words("terminal.today")
    if days == 1:
        return words("terminal.yesterday")
    return words("terminal.this_week") if days < 7 else words("terminal.earlier")


def _line(thread: Thread) -> Content:
    mark = {"running": ("● ", "$teal"), "waiting": ("? ", "$warn")}.get(thread.state)
    if mark is None:
        mark = ("• ", "$teal") if thread.unread else ("  ", "")
    title = plain(" ".join(thread.title.split())[:TITLE_CHARS_MAX]) or "…"
    return Content.assemble(mark, (title, "bold" if thread.unread else ""))


def _found(found: Found) -> Content:
    if found.where == "title":
        return Content.assemble(*_marked(found, "bold"))
    title = plain(" ".join(found.thread.title.split())[:TITLE_CHARS_MAX]) or "…"
    by_name = "".join(text for text, _ in found.snippet) == found.file
    file = [(f"{plain(found.file)}: ", "$muted bold")] if found.file and not by_name else []
    return Content.assemble((f"{title}\n", "bold"), *file, *_marked(found, "$muted"))


def _marked(found: Found, style: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    left = SNIPPET_CHARS_MAX
    for text, hit in found.snippet:
        piece = plain(" ".join(text.split()) if text.strip() else " ")[:left]
        spaced = (" " if text[:1].isspace() else "") + piece.strip() + (" " if text[-1:].isspace() else "")
        parts.append((spaced, "$teal bold" if hit else style))
        left -= len(piece)
        if left <= 0:
            break
    return parts
