"""A question as a card on the page: choices as buttons, or a small form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import HorizontalGroup, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Select, SelectionList, Static

from mecum.surfaces.terminal.frames import Json
from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.questions import Field, Question, Unreadable, read_value
from mecum.surfaces.terminal.words import Words


class QuestionCard(Vertical):
    """A run waits for this."""

    class Answered(Message):
        """The person answers the wait `wait`."""

        def __init__(self, card: QuestionCard, wait: str, answer: dict[str, Any]) -> None:
            super().__init__()
            self.card = card
            self.wait = wait
            self.answer = answer

    def __init__(self, question: Question, words: Words) -> None:
        super().__init__(classes="card")
        self.question = question
        self._words = words
        self._is_over = False
        self._problem = Static("", classes="problem", markup=False)
        self._controls_of = {field.name: _control(field, words) for field in question.fields}

    def compose(self) -> ComposeResult:
        yield Static(plain(self.question.title), classes="card-title", markup=False)
        if self.question.text:
            yield Static(plain(self.question.text), classes="card-text", markup=False)
        yield from self._controls()
        self._problem.display = False
        yield self._problem

    def _controls(self) -> Iterable[Widget]:
        question = self.question
        if not question.answerable:
            return
        if question.choices:
            buttons = (
                Button(plain(label), classes="choice", compact=True, name=value) for value, label in question.choices
            )
            yield HorizontalGroup(*buttons, classes="choices")
            return
        for field in question.fields:
            label = plain(field.label) + (f"  {plain(field.help)}" if field.help else "")
            control = self._controls_of[field.name]
            yield Vertical(Static(label, classes="label", markup=False), control, classes="field")
        yield Button(self._words("terminal.answer"), classes="main", compact=True, name="answer")

    def on_mount(self) -> None:
        """Bring the person to the first field. Not to a choice: Enter must not decide by accident."""
        writing = getattr(self.screen.focused, "text", "")
        if self.question.fields and self.question.answerable and not writing and not self._is_over:
            control = self._controls_of[self.question.fields[0].name]
            self.call_after_refresh(control.focus)

    def close(self, answer: Json | None) -> None:
        """It was answered, here or elsewhere, or the run is over."""
        if self._is_over:
            return
        self._is_over = True
        self.add_class("closed")
        for control in self.query("HorizontalGroup, Button, .field, .card-text"):
            control.remove()
        self._say(self._answer_words(answer) if answer else self._words("terminal.not_answered"))

    def refuse(self, text: str) -> None:
        """The server did not take the answer."""
        self._say(text)
        self.disabled = False

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.name != "answer":
            self._give({self.question.choice_name: event.button.name})
        else:
            self._submit()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._submit()

    def _submit(self) -> None:
        answer: dict[str, Any] = {}
        for field in self.question.fields:
            control = self._controls_of[field.name]
            try:
                value = _value(field, control)
            except Unreadable as error:
                self._say(f"{field.label}: {self._words(error.code)}")
                control.focus()
                return
            if value is not None:
                answer[field.name] = value
        self._give(answer)

    def _give(self, answer: dict[str, Any]) -> None:
        self.disabled = True
        self.post_message(self.Answered(self, self.question.wait, answer))

    def _say(self, text: str) -> None:
        self._problem.update(text)
        self._problem.display = bool(text)

    def _answer_words(self, answer: Json) -> str:
        labels = dict(self.question.choices)
        parts = (labels.get(str(value), self._shown(value)) for value in answer.values())
        return plain(self._words("terminal.you_answered", answer=", ".join(parts)))

    def _shown(self, value: Any) -> str:
        if isinstance(value, bool):
            return self._words("terminal.choice_yes") if value else self._words("terminal.choice_no")
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType]


def _control(field: Field, words: Words) -> Widget:
    match field.kind:
        case "yes_no" | "choice":
            yes_no = [(words("terminal.choice_yes"), "yes"), (words("terminal.choice_no"), "no")]
            options = [(plain(option), option) for option in field.options] if field.kind == "choice" else yes_no
            chosen = field.default if field.default in field.options else Select.NULL
            return Select(options, prompt=words("terminal.choose"), value=chosen, allow_blank=True, compact=True)
        case "many":
            return SelectionList[str](*((plain(option), option) for option in field.options), compact=True)
        case _:
            kind = "integer" if field.kind == "integer" else "number" if field.kind == "number" else "text"
            place = "2026-03-31" if field.kind == "date" else ""
            return Input(str(field.default or ""), type=kind, placeholder=place, compact=True)


def _value(field: Field, control: Widget) -> Any:
    """Raises Unreadable."""
    if isinstance(control, SelectionList):
        chosen: list[str] = list(control.selected)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        if not chosen and field.required:
            raise Unreadable("terminal.needs_value")
        return chosen
    if isinstance(control, Select):
        chosen_one: object = control.value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return read_value(field, chosen_one if isinstance(chosen_one, str) else "")
    assert isinstance(control, Input)
    return read_value(field, control.value)
