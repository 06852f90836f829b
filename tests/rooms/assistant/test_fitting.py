"""What of a long conversation a model gets to read."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.rooms.assistant.fitting import PART_MIN_TOKENS, ROOM_MIN_TOKENS, about_tokens, fit, size
from mecum.rooms.models import Message, TextPart, ToolUse

SYSTEM = Message("system", (TextPart("You are Mecum."),))
CONTEXT, ANSWER = 4_000, 1_000
ROOM = CONTEXT - ANSWER - about_tokens("You are Mecum.")


def user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def assistant(text: str) -> Message:
    return Message("assistant", (TextPart(text),))


def call(number: int) -> Message:
    return Message("assistant", (TextPart(""),), (ToolUse(f"c{number}", "look", "{}"),))


def result(number: int, text: str) -> Message:
    return Message("tool", (TextPart(text),), tool_use_id=f"c{number}")


def text(message: Message) -> str:
    return "".join(part.text for part in message.content if isinstance(part, TextPart))


def tokens(messages: list[Message]) -> int:
    return sum(about_tokens(text(message)) for message in messages)


def talk(turns: int, chars: int = 600) -> list[Message]:
    """A question for each turn and an answer to each but the last."""
    said = [each for n in range(turns) for each in (user(f"{n} " + "q" * chars), assistant(f"{n} " + "a" * chars))]
    return said[:-1]


def test_what_fits_is_read_whole() -> None:
    assert fit(SYSTEM, talk(3), CONTEXT, ANSWER) == [SYSTEM, *talk(3)]


def test_of_a_long_conversation_the_newest_part_is_read() -> None:
    found = fit(SYSTEM, talk(40), CONTEXT, ANSWER)
    assert found == [SYSTEM, *talk(40)[-len(found) + 1 :]]
    assert ROOM / 2 < tokens(found[1:]) <= ROOM


def test_most_turns_of_a_long_conversation_begin_like_the_one_before() -> None:
    read = [fit(SYSTEM, talk(turns, chars=200), CONTEXT, ANSWER) for turns in range(30, 80)]
    read_again = sum(later[: len(earlier)] != earlier for earlier, later in pairwise(read))
    assert 1 <= read_again <= 12


@pytest.mark.parametrize("letter", ["z", "字"])
def test_a_last_message_that_is_too_long_loses_its_middle(letter: str) -> None:
    (_, last) = fit(SYSTEM, [*talk(3), user("first " + letter * 50_000 + " last")][-1:], CONTEXT, ANSWER)
    assert text(last).startswith("first ") and text(last).endswith(" last")
    assert "the middle is left out" in text(last)
    assert ROOM / 2 < tokens([last]) <= ROOM


def test_results_that_are_too_long_do_not_push_out_the_question_and_their_calls() -> None:
    turn = [user("Compare the two pages."), call(1), result(1, "x" * 20_000), call(2), result(2, "y" * 20_000)]
    found = fit(SYSTEM, [*talk(20), *turn], CONTEXT, ANSWER)
    assert [message.role for message in found[-5:]] == [message.role for message in turn]
    assert text(found[-5]) == "Compare the two pages."
    assert tokens(found[1:]) <= ROOM


def test_a_result_whose_call_is_dropped_is_dropped_too() -> None:
    older = [user("Look."), call(1), result(1, "x" * 8_000), assistant("Seen."), user("And?")]
    for turns in range(2, 12):
        found = fit(SYSTEM, [*older, *talk(turns)], CONTEXT, ANSWER)
        called = {use.id for message in found for use in message.tool_uses}
        assert {message.tool_use_id for message in found if message.role == "tool"} <= called


def test_a_conversation_without_a_question_is_read_all_the_same() -> None:
    assert fit(SYSTEM, [assistant("Welcome.")], CONTEXT, ANSWER) == [SYSTEM, assistant("Welcome.")]
    assert fit(SYSTEM, [], CONTEXT, ANSWER) == [SYSTEM]


def test_a_short_result_beside_a_long_one_stays_whole() -> None:
    both = [user("Compare."), *step("a", "short answer"), *step("b", "文" * 30_000)]
    assert "short answer" in [text(message) for message in fit(SYSTEM, both, CONTEXT, ANSWER)]


def test_earlier_turns_go_before_anything_of_the_turn_at_hand_is_cut() -> None:
    last = user("new " * 2_000)
    assert fit(SYSTEM, [user("old " * 3_000), assistant("long ago"), last], CONTEXT, ANSWER)[-1] == last


def step(name: str, result: str, arguments: str = "{}") -> list[Message]:
    said = Message("assistant", (TextPart(""),), (ToolUse(name, "read_page", arguments),))
    return [said, Message("tool", (TextPart(result),), tool_use_id=name)]


lengths = st.integers(0, 30_000)
steps = st.lists(st.tuples(lengths, st.sampled_from(["a", "文", "é "])), max_size=14)


@given(steps, lengths, steps, st.integers(500, 20_000))
def test_whatever_is_said_the_turn_at_hand_fits_and_begins_with_its_question(
    before: list[tuple[int, str]], asked: int, after: list[tuple[int, str]], context: int
) -> None:
    messages: list[Message] = []
    for number, (length, letter) in enumerate(before):
        messages += [user(f"q{number} {letter * length}"), *step(f"b{number}", letter * length)]
    messages.append(user("QUESTION " + "q" * asked))
    for number, (length, letter) in enumerate(after):
        messages += step(f"a{number}", letter * length, arguments="1" * min(length, 300))
    found = fit(SYSTEM, messages, context, context // 4)
    room = max(ROOM_MIN_TOKENS, context - context // 4 - size(SYSTEM))
    questions = [message for message in found if message.role == "user"]
    assert text(questions[-1]).startswith("QUESTION")
    assert sum(map(size, found[1:])) <= room + PART_MIN_TOKENS * 3
    calls = {use.id for message in found for use in message.tool_uses}
    assert calls == {message.tool_use_id for message in found if message.role == "tool"}
    if after:
        assert f"a{len(after) - 1}" in calls
