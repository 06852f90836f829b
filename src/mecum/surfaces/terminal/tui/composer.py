"""Where one writes."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

CHARS_MAX = 200_000


class Composer(TextArea):
    """Several lines of text. Enter sends; Ctrl+J, Alt+Enter, or Shift+Enter where the terminal tells, begins a line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter,alt+enter", "newline", show=False),
        Binding("up", "up", show=False),
    ]

    class Sent(Message):
        """The person sends `text`."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class LastWanted(Message):
        """The person wants to edit what they sent last."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(
            "", id="composer", compact=True, highlight_cursor_line=False, placeholder=placeholder, soft_wrap=True
        )

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.prevent_default()
            event.stop()
            text = self.text.strip()
            if text:
                self.post_message(self.Sent(text[:CHARS_MAX]))
            return
        await super()._on_key(event)

    def action_newline(self) -> None:
        self.insert("\n")

    def action_up(self) -> None:
        if self.text:
            self.action_cursor_up()
        else:
            self.post_message(self.LastWanted())

    def take(self, text: str) -> None:
        """Put `text` in, with the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)
        self.focus()
