"""The title of a thread in words: what a model is asked, and whether what it wrote will do.

Titles are for every model, also the smallest. It gets a short question that begins the same each time, shown turns,
which help more than any rule, and no answer to copy from. What is no better than the person's first words is left out.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from mecum.rooms.models import Message, TextPart

WORDS_MAX, CHARS_MAX, IDEOGRAPHS_MAX = 6, 40, 20
QUESTION_CHARS = 400
"""So few that a small machine reads them in about a second: what it has begun to read, it can't put down."""
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    # A little longer than a title may be: one that was cut off by its end is seen to be too long.
    "properties": {"title": {"type": "string", "maxLength": CHARS_MAX + 8}},
    "required": ["title"],
    "additionalProperties": False,
}

_SYSTEM = """\
Give each message a title: what it is about, in two to five words, in the language of the message. \
Write JSON: {"title": "..."}."""
# Chosen by trying them: with a French one among the last, small models wrote French titles for English messages.
_SHOWN = (
    ("把“早上好”翻译成法语", "翻译“早上好”"),
    ("Schreib ein Gedicht über den Herbst", "Herbstgedicht"),
    ("Hello", "Greeting"),
    ("My bike has a flat tyre and I have never mended one. What do I need?", "Mending a flat tyre"),
)
_LABEL = re.compile(r"^(title|titel|titre|título|titolo|标题|標題)\s*[:：]\s*", re.IGNORECASE)
_AROUND = " \t\"'`*_#“”„‘’«»「」『』《》"
_END = ".。．"


def title_messages(said: str) -> list[Message]:
    """What a model is asked for the title of what was `said`."""
    shown = [turn for words, title in _SHOWN for turn in (_message("user", words), _message("assistant", _json(title)))]
    return [_message("system", _SYSTEM), *shown, _message("user", said[:QUESTION_CHARS])]


def read_title(written: str, said: str) -> str:
    """The title in what a model wrote about what was `said`; "" where it will not do."""
    title, ideographic = _clean(_from_json(written)), _is_ideographic(said)
    too_long = len(title) > (IDEOGRAPHS_MAX if ideographic else CHARS_MAX) or len(title.split()) > WORDS_MAX
    if too_long or title.casefold() in _SYSTEM.casefold() or not any(map(str.isalnum, title)):
        return ""
    return title if _is_ideographic(title) == ideographic else ""


def _from_json(written: str) -> str:
    """The title in a JSON object; the text itself where it is none, as providers without schemas write."""
    try:
        found: Any = json.loads(written)
    except (ValueError, RecursionError):
        return "" if written.lstrip().startswith("{") else written
    title = found.get("title") if isinstance(found, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return title if isinstance(title, str) else ""


def _clean(title: str) -> str:
    """One line without quotes around it, marks of Markdown, a label, and a full stop."""
    line = "".join(" " if unicodedata.category(each) in ("Cc", "Cf") else each for each in title)
    line = " ".join(line.split()).strip(_AROUND)
    return _LABEL.sub("", line).strip(_AROUND).rstrip(_END).strip(_AROUND)


def _is_ideographic(text: str) -> bool:
    """Whether at least a third of the letters are of a script without spaces, Chinese above all."""
    letters = [each for each in text if each.isalpha()]
    return 3 * sum("\u3040" <= each <= "\u9fff" for each in letters) >= max(1, len(letters))


def _message(role: Any, text: str) -> Message:
    return Message(role, (TextPart(text),))


def _json(title: str) -> str:
    return json.dumps({"title": title}, ensure_ascii=False)
