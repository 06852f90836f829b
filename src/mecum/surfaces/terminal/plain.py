"""Text of others on a terminal: control characters could move the cursor, set the title or fill the clipboard."""

from __future__ import annotations

_KEPT = "\n\t"
_CONTROLS = tuple(code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in _KEPT)
# They can make a question say something else than it asks (CVE-2021-42574).
_DIRECTION_OVERRIDES = (0x202D, 0x202E)
_TABLE = dict.fromkeys((*_CONTROLS, *_DIRECTION_OVERRIDES), "\ufffd")


def plain(text: str) -> str:
    """`text` without anything that a terminal obeys, character for character, so that lengths stay."""
    return text.replace("\r\n", " \n").translate(_TABLE)
