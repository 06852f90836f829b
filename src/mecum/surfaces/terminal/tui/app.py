"""What the person does on the page."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from textual import on, work
from textual.app import SystemCommand
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widgets import Markdown

from mecum.kit.errors import MecumError
from mecum.surfaces.terminal.client import Shelf
from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.tui.asking import QuestionCard
from mecum.surfaces.terminal.tui.composer import Composer
from mecum.surfaces.terminal.tui.desk import Desk
from mecum.surfaces.terminal.tui.dialogs import HelpDialog, LineDialog
from mecum.surfaces.terminal.tui.keys import ON_THE_PAGE, help_lines
from mecum.surfaces.terminal.tui.page import Earlier, Try
from mecum.surfaces.terminal.tui.rail import Rail
from mecum.surfaces.terminal.tui.theme import DARK, LIGHT

SHELVES: Mapping[Shelf, str] = {
    "open": "terminal.list_open",
    "archived": "terminal.list_archived",
    "deleted": "terminal.list_deleted",
}
"""The command that lists each."""
EFFORTS: Mapping[str, str] = {
    "auto": "terminal.answer_auto",
    "fast": "terminal.answer_fast",
    "think": "terminal.answer_think",
}
"""The command that chooses each."""
REASON_CHARS_MAX = 2_000


class MecumApp(Desk):
    """The page in the terminal."""

    @on(Composer.Sent)
    @work
    async def _send(self, event: Composer.Sent) -> None:
        composer, thread = self.composer, self.conversation.thread if self.conversation else None
        options: dict[str, Any] = {"effort": self._start.effort}
        if self._start.model:
            options["model"] = self._start.model
        if self._files:
            options["attachments"] = [file.id for file in self._files]
        if thread is None and self._start.temporary:
            options["temporary"] = True
        if self._edited is not None:
            options["parent"] = self._edited.parent
        files, edited, key = self._files, self._edited, uuid4().hex
        composer.clear()
        self._leave_edit()
        self._set_files([])
        self.page.show_sending(key, event.text)
        try:
            posted = await self.client.post(thread, event.text, **options)
        except MecumError as error:
            self.page.sent(key)
            self._set_files([*files, *self._files])
            self._edited = edited
            # What was typed meanwhile stays below it.
            composer.take("\n\n".join(filter(None, (event.text, composer.text))))
            self.say(self.words.error(error), bad=True)
            if self.conversation is None:
                self.new_page()
            return
        if thread is None and self.conversation is None:
            self.open_thread(posted.thread)
        else:
            self._on_the_way[posted.message] = key
            self.draw_soon()

    @on(QuestionCard.Answered)
    @work
    async def _answer(self, event: QuestionCard.Answered) -> None:
        if self.conversation is None:
            return
        try:
            await self.client.answer(self.conversation.thread, event.wait, event.answer)
        except MecumError as error:
            event.card.refuse(self.words.error(error))
        else:
            self.composer.focus()

    @on(Rail.Chosen)
    def _chosen(self, event: Rail.Chosen) -> None:
        self._close_rail()
        if self.book.shelf == "deleted" and not self.rail.searching:
            self._restore(event.thread)
        elif self.conversation is None or self.conversation.thread != event.thread:
            self.open_thread(event.thread)

    @on(Rail.Searched)
    @work(group="search", exclusive=True)
    async def _search(self, event: Rail.Searched) -> None:
        if not event.query:
            self.show_threads()
            return
        found = await self._tried(self.client.search(event.query))
        if found is not None and self.rail.searching:
            self.rail.show_found(found, self._current)

    @on(Rail.MoreWanted)
    @work(group="more", exclusive=True)
    async def _more_threads(self) -> None:
        if await self._tried(self.book.more()):
            self.show_threads()

    @on(Rail.Left)
    def _left(self) -> None:
        if self.book.shelf == "open":
            self._close_rail()
        else:
            self._show_shelf("open")

    @on(Composer.LastWanted)
    def _edit_last(self) -> None:
        """What was said last comes back into the composer; sent again it is a branch."""
        turns = self.conversation.turns() if self.conversation else []
        node = next((turn.node for turn in reversed(turns) if turn.kind == "person" and turn.node), None)
        if node is not None and not node.erased:
            self._edited = node
            self.composer.take(node.text)
            self.draw()

    @on(Try.Taken)
    def _try(self, event: Try.Taken) -> None:
        self.composer.take(event.text)

    @on(Earlier.Wanted)
    def _earlier(self) -> None:
        self.page.show_earlier()
        self.draw()

    @on(Markdown.LinkClicked)
    def _link(self, event: Markdown.LinkClicked) -> None:
        """Only addresses of the web are opened: a text from elsewhere must not start programs."""
        event.prevent_default()
        if urlsplit(event.href).scheme in ("http", "https"):
            webbrowser.open(event.href)
        else:
            self.say(plain(event.href))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action in ON_THE_PAGE and len(self.screen_stack) > 1)

    def action_new_thread(self) -> None:
        self._close_rail()
        self.new_page()

    def action_threads(self) -> None:
        if self.rail.has_focus_within and self.rail.display:
            self._close_rail()
        else:
            self._open_rail(search=False)

    def action_search(self) -> None:
        self._open_rail(search=True)

    def action_step_back(self) -> None:
        if self.rail.has_class("open"):
            self._close_rail()
        elif self._edited is not None:
            self._leave_edit()
            self.composer.clear()
            self.draw()
        elif self.conversation and self.conversation.active_run():
            self._stop()
        else:
            self.composer.focus()

    @work
    async def _stop(self) -> None:
        if self.conversation and (run := self.conversation.active_run()):
            await self._tried(self.client.stop(self.conversation.thread, run.id))

    @work
    async def action_attach(self) -> None:
        path = await self.push_screen_wait(
            LineDialog(self.words("terminal.attach_title"), self.words("terminal.attach_hint"), path=True)
        )
        if path is not None:
            await self._take_file(Path(path))

    @work
    async def action_regenerate(self, effort: str = "auto") -> None:
        answers = [turn for turn in self._turns() if turn.kind == "answer" and turn.node]
        if self.conversation and answers and (node := answers[-1].node) and not self.conversation.active_run():
            await self._tried(self.client.regenerate(self.conversation.thread, node.id, effort))

    def _set_effort(self, effort: str) -> None:
        """How hard to think about what is sent from now on."""
        self._start = replace(self._start, effort=effort)
        self.say(self.words(EFFORTS[effort]))

    @work
    async def action_branch(self, step: int) -> None:
        """The sibling beside the last message that has some."""
        branching = [turn for turn in self._turns() if turn.places > 1]
        if self.conversation is None or not branching:
            return
        turn = branching[-1]
        place = turn.place - 1 + step
        if 0 <= place < turn.places and turn.siblings[place] in self.conversation.nodes:
            await self._tried(self.client.select_branch(self.conversation.thread, turn.siblings[place]))

    def action_copy_answer(self) -> None:
        answers = [turn for turn in self._turns() if turn.kind == "answer" and turn.text]
        if answers:
            self.copy_to_clipboard(answers[-1].text)
            self.say(self.words("terminal.copied"))

    def action_page(self, step: int) -> None:
        page = self.page
        match step:
            case -1:
                page.scroll_page_up(animate=False)
            case 1:
                page.scroll_page_down(animate=False)
            case _:
                page.scroll_home(animate=False) if step < 0 else page.scroll_end(animate=False)

    def action_help(self) -> None:
        self.push_screen(HelpDialog(self.words("terminal.keys_title"), help_lines(self.words)))

    def action_switch_theme(self) -> None:
        self.theme = LIGHT if self.theme == DARK else DARK

    def action_thinking(self) -> None:
        self._thinking_open = not self._thinking_open
        self.draw()

    def action_help_quit(self) -> None:
        """Ctrl+C, which copies where something is selected."""
        if self.conversation and self.conversation.active_run():
            self._stop()
        else:
            self.say(self.words("terminal.how_to_quit"))

    def action_command_palette(self) -> None:
        if len(self.screen_stack) == 1:
            self.push_screen(CommandPalette(placeholder=self.words("terminal.find_command")))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        words = self.words
        yield SystemCommand(words("terminal.help_new"), "Ctrl+N", self.action_new_thread)
        yield SystemCommand(words("terminal.help_search"), "Ctrl+F", self.action_search)
        yield SystemCommand(words("terminal.help_attach"), "Ctrl+O", self.action_attach)
        if self.conversation:
            yield SystemCommand(words("terminal.help_regenerate"), "Ctrl+R", self.action_regenerate)
            yield SystemCommand(words("terminal.do_think_longer"), "", lambda: self.action_regenerate("think"))
            yield SystemCommand(words("terminal.help_copy"), "Ctrl+Y", self.action_copy_answer)
            yield SystemCommand(words("terminal.do_good"), "", lambda: self._give_feedback("up"))
            yield SystemCommand(words("terminal.do_bad"), "", lambda: self._give_feedback("down"))
            yield SystemCommand(words("terminal.do_rename"), "", self._rename)
            known = self.book.get(self.conversation.thread)
            pinned, archived = bool(known and known.pinned), bool(known and known.archived)
            pin = words("terminal.do_unpin") if pinned else words("terminal.do_pin")
            yield SystemCommand(pin, "", lambda: self._change_thread(pinned=not pinned))
            away = words("terminal.do_unarchive") if archived else words("terminal.do_archive")
            yield SystemCommand(away, "", lambda: self._change_thread(archived=not archived))
            yield SystemCommand(words("terminal.do_delete"), "", self._delete)
        for effort, command in EFFORTS.items():
            if effort != self._start.effort:
                yield SystemCommand(words(command), "", partial(self._set_effort, effort))
        if self._deleted:
            thread = self._deleted
            yield SystemCommand(words("terminal.do_undelete"), "", lambda: self._restore(thread))
        for shelf, command in SHELVES.items():
            if shelf != self.book.shelf:
                yield SystemCommand(words(command), "", partial(self._show_shelf, shelf))
        yield SystemCommand(words("terminal.help_theme"), "F2", self.action_switch_theme)
        yield SystemCommand(words("terminal.help_thinking"), "F3", self.action_thinking)
        yield SystemCommand(words("terminal.keys_title"), "F1", self.action_help)
        yield SystemCommand(words("terminal.help_quit"), "Ctrl+Q", self.action_quit)

    @work
    async def _give_feedback(self, value: str) -> None:
        answers = [turn for turn in self._turns() if turn.kind == "answer" and turn.node]
        if self.conversation is None or not answers or (node := answers[-1].node) is None:
            return
        thread, reason = self.conversation.thread, ""
        if value == "down":
            dialog = LineDialog(self.words("terminal.do_bad"), self.words("terminal.why_bad"), may_be_empty=True)
            said = await self.push_screen_wait(dialog)
            if said is None:
                return
            reason = said[:REASON_CHARS_MAX]
        if await self._tried(self.client.give_feedback(thread, node.id, value, reason), default=False) is None:
            self.say(self.words("terminal.thanks"))

    @work
    async def _rename(self) -> None:
        if self.conversation is None:
            return
        title = await self.push_screen_wait(
            LineDialog(self.words("terminal.do_rename"), self.words("terminal.rename_hint"), self.conversation.title)
        )
        if title:
            await self._tried(self.client.change_thread(self.conversation.thread, title=title[:200]))

    @work
    async def _change_thread(self, **changes: bool) -> None:
        if self.conversation is None:
            return
        changed = await self._tried(self.client.change_thread(self.conversation.thread, **changes))
        if changed is not None:
            self.book.put(changed)
            self.show_threads()
            if changes.get("archived"):
                self.new_page()

    @work
    async def _delete(self) -> None:
        if self.conversation is None:
            return
        thread = self.conversation.thread
        if await self._tried(self.client.delete_thread(thread), default=False) is None:
            self._deleted = thread
            await self._load_threads()
            self.new_page()
            self.say(self.words("terminal.deleted"))

    @work
    async def _restore(self, deleted: str) -> None:
        if thread := await self._tried(self.client.restore_thread(deleted)):
            self._deleted = None
            self.book.put(thread)
            self.show_threads()
            self.open_thread(thread.id)

    @work(group="shelf", exclusive=True)
    async def _show_shelf(self, shelf: Shelf) -> None:
        """List what is archived or deleted, or what is not."""
        self.book.shelf = shelf
        await self._load_threads()
        self._open_rail(search=False)
