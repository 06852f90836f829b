"""Small dialogs above the page: a path, a title, help."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

ENTRIES_MAX = 2000


class PathSuggester(Suggester):
    """Completes the path of a file from what is there."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return complete_path(value)


def complete_path(value: str) -> str | None:
    """`value` with the name of the first file or folder (which gets its slash) that begins as it ends."""
    folder, slash, start = value.rpartition("/")
    if not value:
        return None
    place = Path(f"{folder}{slash}" or ".").expanduser()
    try:
        with os.scandir(place) as entries:
            names = [
                entry.name + ("/" if entry.is_dir() else "")
                for entry, _ in zip(entries, range(ENTRIES_MAX), strict=False)
                if entry.name.startswith(start) and (start or not entry.name.startswith("."))
            ]
    except OSError:
        return None
    return f"{folder}{slash}{min(names)}" if names else None


class LineDialog(ModalScreen[str | None]):
    """Asks for one line. Gives it, or None when it is left; with `may_be_empty` also an empty one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(
        self, title: str, hint: str, value: str = "", *, path: bool = False, may_be_empty: bool = False
    ) -> None:
        super().__init__()
        self._may_be_empty = may_be_empty
        self._title = title
        self._hint = hint
        self._input = Input(value, suggester=PathSuggester() if path else None, compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="card-title", markup=False)
            yield self._input
            yield Static(self._hint, classes="hint", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        line = event.value.strip()
        self.dismiss(line if line or self._may_be_empty else None)

    def action_cancel(self) -> None:
        self.dismiss(None)


class HelpDialog(ModalScreen[None]):
    """What the keys do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter", "dismiss", show=False)]

    def __init__(self, title: str, lines: list[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        width = max(len(keys) for keys, _ in self._lines)
        text = "\n".join(f"{keys:<{width}}   {what}" for keys, what in self._lines)
        with VerticalScroll(classes="dialog"):
            yield Static(self._title, classes="card-title", markup=False)
            yield Static(text, markup=False)
