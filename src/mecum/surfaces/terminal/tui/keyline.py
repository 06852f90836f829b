"""The last line: what the keys do here and now."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from mecum.surfaces.terminal.words import Words


class KeyLine(Static):
    """Keys and what they do, the most important first: what does not fit is left out."""

    def __init__(self, words: Words) -> None:
        super().__init__("", id="keys", markup=False)
        self._words = words
        self._keys: tuple[tuple[str, str], ...] = ()

    def show(self, keys: Sequence[tuple[str, str]]) -> None:
        """Args: keys: each key and its words."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self._fit()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        parts: list[tuple[str, str] | str] = []
        left = self.size.width
        for key, what in self._keys:
            cells = Content(f"{key} {what}   ").cell_length
            if cells - 3 > left:
                break
            parts += [(key, "$ink-2 bold"), " ", (what, "$muted"), "   "]
            left -= cells
        self.update(Content.assemble(*parts))
