"""The fold of a thread: branches, partial text, attempts, waits."""

from __future__ import annotations

import datetime as dt
from typing import Any

from mecum.surfaces.terminal.conversation import Conversation
from mecum.surfaces.terminal.frames import Checkpoint, Delta, Event, Hint, Reset

AT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


class Log:
    """Writes events with their numbers."""

    def __init__(self) -> None:
        self.conversation = Conversation("thr_1")
        self._seq = 0

    def add(self, type_: str, payload: dict[str, Any] | None = None, **where: str) -> None:
        self._seq += 1
        event = Event(
            self._seq,
            type_,
            AT,
            where.get("run"),
            where.get("message"),
            where.get("parent"),
            payload or {},
            payload is None,
        )
        self.conversation.apply(event)

    def ask(self, message: str, text: str, run: str, **where: str) -> None:
        self.add("message.user", {"text": text}, message=message, **where)
        self.add("run.started", {"attempt": 1}, run=run, parent=message)

    def answer(self, message: str, text: str, run: str, parent: str) -> None:
        self.add("message.assistant", {"text": text, "finish": "stop"}, run=run, message=message, parent=parent)
        self.add("run.finished", {"reason": "done", "seconds": 1.0}, run=run)

    @property
    def texts(self) -> list[str]:
        return [turn.text for turn in self.conversation.turns()]


def delta(text: str, offset: int, attempt: int = 1, run: str = "r1") -> Delta:
    return Delta("a1", run, attempt, offset, text, "text")


def test_a_question_and_its_answer_are_two_turns() -> None:
    log = Log()
    log.ask("m1", "Why?", "r1")
    assert [(turn.kind, turn.text) for turn in log.conversation.turns()] == [("person", "Why?"), ("answer", "")]
    assert log.conversation.active_run() is not None
    log.answer("a1", "Because.", "r1", "m1")
    assert log.texts == ["Why?", "Because."]
    assert log.conversation.active_run() is None


def test_partial_text_grows_and_gives_way_to_the_answer() -> None:
    log = Log()
    log.ask("m1", "Why?", "r1")
    log.conversation.apply(delta("Be", 0))
    log.conversation.apply(delta("cause", 2))
    log.conversation.apply(delta("cau", 2))
    assert log.texts[-1] == "Because"
    assert log.conversation.position == "2:1:7"
    log.answer("a1", "Because.", "r1", "m1")
    assert log.texts[-1] == "Because."
    log.conversation.apply(delta("late", 7))
    assert log.texts[-1] == "Because." and log.conversation.position == "4"


def test_a_higher_attempt_drops_the_text_of_the_old_one() -> None:
    log = Log()
    log.ask("m1", "Why?", "r1")
    log.conversation.apply(delta("Wrong", 0))
    log.conversation.apply(delta("Right", 0, attempt=2))
    log.conversation.apply(delta("!", 5, attempt=1))
    assert log.texts[-1] == "Right"


def test_a_gap_tears_the_text_until_a_checkpoint_mends_it() -> None:
    log = Log()
    log.ask("m1", "Why?", "r1")
    log.conversation.apply(delta("Be", 0))
    log.conversation.apply(delta("se", 5))
    assert log.conversation.torn and log.conversation.position == "2"
    log.conversation.apply(Checkpoint("a1", "r1", 1, "Because", ""))
    assert not log.conversation.torn and log.texts[-1] == "Because"
    log.conversation.apply(Reset("a1"))
    assert log.texts[-1] == ""


def test_a_second_answer_is_a_branch_and_the_first_can_be_chosen_again() -> None:
    log = Log()
    log.ask("m1", "Why?", "r1")
    log.answer("a1", "First.", "r1", "m1")
    log.add("run.started", {"attempt": 1}, run="r2", parent="m1")
    turns = log.conversation.turns()
    assert [turn.text for turn in turns] == ["Why?", ""] and (turns[1].place, turns[1].places) == (2, 2)
    log.answer("a2", "Second.", "r2", "m1")
    assert log.texts == ["Why?", "Second."]
    assert log.conversation.turns()[1].siblings == ("a1", "a2")
    log.add("branch.selected", {"message": "a1"})
    assert log.texts == ["Why?", "First."]


def test_an_edited_message_is_a_branch_from_where_it_stood() -> None:
    log = Log()
    log.ask("m1", "One?", "r1")
    log.answer("a1", "1", "r1", "m1")
    log.ask("m2", "Two?", "r2", parent="a1")
    log.answer("a2", "2", "r2", "m2")
    log.ask("m3", "Three?", "r3", parent="a1")
    log.answer("a3", "3", "r3", "m3")
    assert log.texts == ["One?", "1", "Three?", "3"]


def test_a_message_that_joins_a_run_stands_above_its_answer() -> None:
    log = Log()
    log.ask("m1", "One?", "r1")
    log.add("message.user", {"text": "And two?"}, message="m2", parent="m1")
    assert log.texts == ["One?", "And two?", ""]


def test_a_run_that_closed_its_answer_goes_on_below_what_joined_it() -> None:
    log = Log()
    log.ask("m1", "One?", "r1")
    log.add("message.user", {"text": "And two?"}, message="m2", parent="m1")
    log.add("message.assistant", {"text": "1", "finish": "stop"}, run="r1", message="a1", parent="m1")
    log.add("message.user", {"text": "Three?"}, message="m3", parent="a1")
    log.conversation.apply(Delta("a2", "r1", 2, 0, "2 and", "text"))
    turns = log.conversation.turns()
    assert [turn.text for turn in turns] == ["One?", "1", "Three?", "2 and"]
    assert len({turn.key for turn in turns}) == 4
    log.answer("a2", "2 and 3", "r1", "m3")
    assert [turn.key for turn in log.conversation.turns()] == [turn.key for turn in turns]
    assert log.texts[-1] == "2 and 3"


def test_acts_and_waits_belong_to_their_run() -> None:
    log = Log()
    log.ask("m1", "Send it", "r1")
    log.add("act.intended", {"call": "c1", "tool": "mail", "label": "Send mail"}, run="r1", message="a1")
    log.add("act.unknown", {"call": "c1", "tool": "mail"}, run="r1")
    log.add("run.waiting", {"wait": "w1", "kind": "unknown_act", "question": {"tool": "mail"}}, run="r1")
    run = log.conversation.active_run()
    assert run and run.acts[0].state == "unknown" and run.acts[0].label == "Send mail"
    assert [wait.id for wait in log.conversation.open_waits()] == ["w1"]
    log.add("run.answered", {"wait": "w1", "answer": {"decision": "done"}}, run="r1")
    assert not log.conversation.open_waits()


def test_a_hint_goes_when_text_comes_or_the_run_ends() -> None:
    log = Log()
    log.ask("m1", "Why?", "r1")
    log.conversation.apply(Hint("r1", "queued", None, None))
    assert log.conversation.hint
    log.conversation.apply(delta("B", 0))
    assert log.conversation.hint is None
    log.answer("a1", "B", "r1", "m1")
    log.conversation.apply(Hint("r1", "queued", None, None))
    assert log.conversation.hint is None


def test_what_was_erased_and_what_is_unknown_does_no_harm() -> None:
    log = Log()
    log.add("message.user", None, message="m1")
    log.add("something.new", {"x": 1})
    (turn,) = log.conversation.turns()
    assert turn.node and turn.node.erased and log.conversation.seq == 2
