"""What stands on the page and follows the server: one thread, the list of threads, the bar, the keys."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

from textual import work
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from mecum.kit.errors import MecumError
from mecum.surfaces.terminal.client import Client
from mecum.surfaces.terminal.conversation import Conversation
from mecum.surfaces.terminal.files import send_file
from mecum.surfaces.terminal.frames import Attachment, Link
from mecum.surfaces.terminal.line import Message
from mecum.surfaces.terminal.nodes import Node, Turn
from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.tui.book import ThreadBook
from mecum.surfaces.terminal.tui.composer import Composer
from mecum.surfaces.terminal.tui.keyline import KeyLine
from mecum.surfaces.terminal.tui.keys import BINDINGS, key_line
from mecum.surfaces.terminal.tui.page import Page
from mecum.surfaces.terminal.tui.rail import Rail
from mecum.surfaces.terminal.tui.theme import DARK, LIGHT, themes
from mecum.surfaces.terminal.watching import watch
from mecum.surfaces.terminal.words import Words

DRAW_EVERY_S = 0.04
MODEL_POLL_S = 2.0
MODEL_STATES = ("arriving", "absent", "loading", "paused")


class Desk(App[int]):
    """The page in the terminal, without what the person does there.

    Args:
        client: of the server.
        message: where to begin: `thread`, `last`, and what goes with every message: `model`, `effort`.
    """

    TITLE = "Mecum"
    CSS_PATH = "style.tcss"
    BINDINGS = BINDINGS  # pyright: ignore[reportAssignmentType]
    COMMAND_PALETTE_BINDING = "ctrl+k"

    def __init__(self, client: Client, words: Words, message: Message, *, dark: bool) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-small"), (80, "-medium"), (104, "-wide")]
        self.client = client
        self.words = words
        self.book = ThreadBook(client)
        self.conversation: Conversation | None = None
        self._start = message
        self._files: list[Attachment] = []
        self._edited: Node | None = None
        self._deleted: str | None = None
        self._on_the_way: dict[str, str] = {}
        self._thinking_open = False
        self._offline = False
        self._drawing: Timer | None = None
        self.rail = Rail(words)
        self.page = Page(words)
        self.composer = Composer(words("terminal.write"))
        self._key_line = KeyLine(words)
        self._title_line, self._state_line, self._files_line = (
            Static("", id=name, markup=False) for name in ("title", "state", "files")
        )
        for theme in themes():
            self.register_theme(theme)
        self.theme = DARK if dark else LIGHT

    def compose(self) -> ComposeResult:
        with Horizontal(id="house"):
            yield self.rail
            with Vertical(id="main"):
                with Horizontal(id="bar"):
                    yield self._title_line
                    yield self._state_line
                yield self.page
                with Vertical(id="foot"):
                    yield self._files_line
                    yield self.composer
                yield self._key_line

    def on_mount(self) -> None:
        self._files_line.display = False
        self.composer.focus()
        self.draw()
        self._begin()
        self._follow_person()

    def on_resize(self) -> None:
        self.draw_soon()

    @work
    async def _begin(self) -> None:
        thread = self._start.thread
        if self._start.last:
            newest = await self._tried(self.client.newest_thread())
            thread = newest.id if newest else None
        if thread is None:
            self.new_page()
        else:
            self.open_thread(thread)
        for path in self._start.attach:
            await self._take_file(path)

    async def _take_file(self, path: Path) -> None:
        """Send a file now; it goes with the next message."""
        self.say(self.words("terminal.sending_file", name=plain(path.name)))
        file = await self._tried(send_file(self.client, path, self.words))
        if file is not None:
            self._set_files([*self._files, file])

    @work
    async def _follow_person(self) -> None:
        """The list of threads, kept up to date; at every new connection it is read anew."""
        try:
            async with aclosing(self.client.follow_person()) as frames:
                async for frame in frames:
                    if isinstance(frame, Link):
                        self._offline = not frame.open
                        if frame.open:
                            await self._load_threads()
                        self.draw_soon()
                    else:
                        self.book.put(frame)
                        self.show_threads()
                        if frame.id == self._current:
                            self._mark_read(frame.id)
        except MecumError as error:
            if error.status == 401:
                self.exit(1, 1, self.words.error(error))
            else:
                await self._load_threads()  # a server without this stream: what there is now

    async def _load_threads(self) -> None:
        try:
            await self.book.load()
        except MecumError as error:
            self.say(self.words.error(error), bad=True)
        self.show_threads()

    @work(group="thread", exclusive=True)
    async def open_thread(self, thread: str) -> None:
        """Show a thread and follow it."""
        self.conversation = conversation = Conversation(thread)
        await self.page.clear()
        self._leave_edit()
        known = self.book.get(thread)
        conversation.title = known.title if known else ""
        self.draw()
        try:
            async with aclosing(watch(self.client, conversation)) as frames:
                async for frame in frames:
                    if isinstance(frame, Link):
                        self._offline = not frame.open
                        if frame.open:
                            self._mark_read(thread)
                    self.draw_soon()
        except MecumError as error:
            self.page.show_note(self.words.error(error))

    @work(group="thread", exclusive=True)
    async def new_page(self) -> None:
        """Show an empty page."""
        self.conversation = None
        await self.page.clear()
        self.page.show_empty(small_model=False)
        self._leave_edit()
        self.draw()
        try:
            models = await self.client.models()
            small = any(model.get("default") and model.get("small") and model.get("kind") == "chat" for model in models)
            if small:
                self.page.show_empty(small_model=True)
            local = await self.client.local_model()
            while self.conversation is None and local.get("state") in (*MODEL_STATES, "failed"):
                self.page.show_model(local)
                await asyncio.sleep(MODEL_POLL_S)
                local = await self.client.local_model()
            self.page.show_model({})
        except MecumError as error:
            self.page.show_note(self.words.error(error))

    @work
    async def _mark_read(self, thread: str) -> None:
        known = self.book.get(thread)
        if known is not None and known.unread:
            await self._tried(self.client.mark_read(thread))

    def draw_soon(self) -> None:
        """At most every 40 ms, however fast text comes."""
        if self._drawing is None:
            self._drawing = self.set_timer(DRAW_EVERY_S, self.draw)

    def draw(self) -> None:
        """Bring all up to what is known now."""
        self._drawing = None
        if not self.page.is_attached:
            return  # the person is leaving
        conversation = self.conversation
        turns = self._turns()
        if conversation is not None:
            for message in [each for each in self._on_the_way if each in conversation.nodes]:
                self.page.sent(self._on_the_way.pop(message))
            if turns:
                self.page.show_turns(turns, conversation.hint, open_thinking=self._thinking_open)
        running = bool(conversation and conversation.active_run())
        answered = any(turn.kind == "answer" for turn in turns)
        editing, asked = self._edited is not None, bool(conversation and conversation.open_waits())
        keys = key_line(self.words, running=running, answered=answered, editing=editing, asked=asked)
        self._key_line.show(keys)
        self._draw_bar(conversation)

    def _draw_bar(self, conversation: Conversation | None) -> None:
        title = plain(conversation.title) if conversation else self.words("terminal.new_page")
        self._title_line.update(" ".join(title.split()) or "…")
        state = Content("")
        if self._offline:
            state = Content.styled(self.words("terminal.reconnecting"), "$warn")
        elif conversation is not None and conversation.temporary:
            state = Content(self.words("terminal.temporary"))
        elif self._edited is not None:
            state = Content.styled(self.words("terminal.editing"), "$teal")
        self._state_line.update(state)

    def show_threads(self) -> None:
        if not self.rail.is_attached:
            return
        self.rail.show_threads(self.book.all, self._current, dt.datetime.now(dt.UTC), self.book.shelf)
        known = self.book.get(self._current) if self._current else None
        if self.conversation and known and known.title and known.title != self.conversation.title:
            self.conversation.title = known.title
            self.draw_soon()

    def say(self, text: str, *, bad: bool = False) -> None:
        self.notify(text, severity="error" if bad else "information", timeout=8 if bad else 3, markup=False)

    @property
    def _current(self) -> str | None:
        return self.conversation.thread if self.conversation else None

    def _turns(self) -> list[Turn]:
        return self.conversation.turns() if self.conversation else []

    def _open_rail(self, *, search: bool) -> None:
        self.rail.add_class("open")
        self.rail.take_focus(search=search)

    def _close_rail(self) -> None:
        self.rail.remove_class("open")
        self.composer.focus()

    def _leave_edit(self) -> None:
        self._edited = None

    def _set_files(self, files: list[Attachment]) -> None:
        self._files = files
        shown = self._files_line
        shown.update("\n".join(f"▪ {plain(file.name)}  {self.words.size(file.size_bytes)}" for file in files))
        shown.display = bool(files)

    async def _tried(self, call: Coroutine[Any, Any, Any], default: Any = None) -> Any:
        """What `call` gives; `default` where the server refuses, which is said."""
        try:
            return await call
        except MecumError as error:
            self.say(self.words.error(error), bad=True)
            return default
