"""Questions that a run can't go on without: what to show, and how answers are read. Pure.

A question has choices, or a form described by a JSON schema. Confirmations and acts whose outcome is unknown may come
without words: then this surface has its own.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mecum.surfaces.terminal.acts import tool_words
from mecum.surfaces.terminal.frames import Json, as_object
from mecum.surfaces.terminal.nodes import Wait
from mecum.surfaces.terminal.words import Words

FieldKind: TypeAlias = Literal["text", "number", "integer", "date", "yes_no", "choice", "many"]
ARGUMENTS_CHARS_MAX = 2000
FIELDS_MAX = 50

DECISIONS: Mapping[str, Sequence[str]] = {
    "confirm": ("yes", "no"),
    "consent": ("once", "always", "no"),
    "unknown_act": ("again", "done", "leave"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a form."""

    name: str
    label: str
    kind: FieldKind
    required: bool
    help: str = ""
    options: tuple[str, ...] = ()
    default: Any = None


@dataclass(frozen=True, slots=True)
class Question:
    """What to show.

    Args:
        choices: value and label of each; then the answer is `{choice_name: value}`.
        fields: where there are no choices; then the answer has their values by name.
        answerable: False where another program answers.
    """

    wait: str
    title: str
    text: str
    choices: tuple[tuple[str, str], ...] = ()
    choice_name: str = "choice"
    fields: tuple[Field, ...] = ()
    answerable: bool = True


def question_of(wait: Wait, words: Words) -> Question:
    body = wait.question
    schema = as_object(body.get("schema"))
    properties = as_object(schema.get("properties"))
    decides = wait.kind in DECISIONS
    title = str(body.get("title") or _title(wait, words))
    text = str(body.get("text") or "") or (_arguments(body, words) if decides else "")
    if wait.kind == "lent_tool":
        return Question(wait.id, title, text or words("terminal.lent_tool"), answerable=False)
    choices = _choices(body, wait.kind, words)
    if choices:
        name = next(iter(properties)) if len(properties) == 1 else "decision" if decides else "choice"
        return Question(wait.id, title, text, choices, name)
    required: Sequence[Any] = schema.get("required") or ()
    fields = tuple(
        _field(name, as_object(part), name in required) for name, part in list(properties.items())[:FIELDS_MAX]
    )
    return Question(wait.id, title, text, fields=fields or (Field("text", title, "text", required=True),))


def _title(wait: Wait, words: Words) -> str:
    tool = tool_words(str(wait.question.get("tool") or ""))
    receiver = str(wait.question.get("receiver") or tool)
    match wait.kind:
        case "confirm":
            return words("terminal.confirm_title", tool=tool)
        case "consent":
            return words("terminal.consent_title", receiver=receiver)
        case "unknown_act":
            return words("terminal.unknown_title", tool=tool)
        case _:
            return words("terminal.question_title")


def _arguments(body: Json, words: Words) -> str:
    """Who would get it and what would be done, with its values: who decides must see them."""
    receiver = str(body.get("receiver") or "")
    shown = [words("terminal.goes_to", receiver=receiver)] if receiver else []
    for name, value in as_object(body.get("arguments")).items():
        shown.append(f"{name.replace('_', ' ')}: {_shown(value, words)}")
    return "\n".join(shown)[:ARGUMENTS_CHARS_MAX]


def _shown(value: Any, words: Words) -> str:
    if isinstance(value, bool):
        return words("terminal.choice_yes" if value else "terminal.choice_no")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _choices(body: Json, kind: str, words: Words) -> tuple[tuple[str, str], ...]:
    given: Sequence[Any] = body.get("choices") or ()
    read = tuple(
        (str(item.get("value")), str(item.get("label") or item.get("value"))) for item in map(as_object, given)
    )
    if read:
        return read
    labels = {
        "yes": words("terminal.choice_yes"),
        "no": words("terminal.choice_no"),
        "once": words("terminal.choice_once"),
        "always": words("terminal.choice_always"),
        "again": words("terminal.choice_again"),
        "done": words("terminal.choice_done"),
        "leave": words("terminal.choice_leave"),
    }
    return tuple((value, labels[value]) for value in DECISIONS.get(kind, ()))


def _field(name: str, schema: Json, required: bool) -> Field:
    options: Sequence[Any] = schema.get("enum") or as_object(schema.get("items")).get("enum") or ()
    return Field(
        name=name,
        label=str(schema.get("title") or name),
        kind=_kind(schema),
        required=required,
        help=str(schema.get("description") or ""),
        options=tuple(str(option) for option in options),
        default=schema.get("default"),
    )


def _kind(schema: Json) -> FieldKind:
    if schema.get("enum"):
        return "choice"
    match schema.get("type"):
        case "boolean":
            return "yes_no"
        case "number":
            return "number"
        case "integer":
            return "integer"
        case "array":
            return "many"
        case _:
            return "date" if schema.get("format") == "date" else "text"


class Unreadable(ValueError):
    """What was typed is no value of the field. `code` says why, for `Words`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_value(field: Field, text: str) -> Any:
    """The value of what was typed; None for nothing.

    Raises:
        Unreadable: it is no value of this field.
    """
    text = text.strip()
    if not text:
        if field.default is not None:
            return field.default
        if field.required:
            raise Unreadable("terminal.needs_value")
        return None
    match field.kind:
        case "number" | "integer":
            return _number(field.kind, text)
        case "date":
            return _date(text)
        case "yes_no":
            return _yes_no(text)
        case "choice":
            return _option(field, text)
        case "many":
            return [_option(field, part.strip()) for part in text.split(",") if part.strip()]
        case "text":
            return text


def _number(kind: FieldKind, text: str) -> int | float:
    try:
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        raise Unreadable("terminal.needs_number") from None


def _date(text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise Unreadable("terminal.needs_date") from None


def _yes_no(text: str) -> bool:
    if text.casefold() in ("y", "yes", "true", "1", "是", "对"):
        return True
    if text.casefold() in ("n", "no", "false", "0", "否", "不"):
        return False
    raise Unreadable("terminal.needs_yes_no")


def _option(field: Field, text: str) -> str:
    """An option by its number, counted from 1, or by its words."""
    if text in field.options:
        return text
    if text.isdecimal() and 1 <= int(text) <= len(field.options):
        return field.options[int(text) - 1]
    folded = [option for option in field.options if option.casefold().startswith(text.casefold())]
    if len(folded) == 1:
        return folded[0]
    raise Unreadable("terminal.needs_option")
