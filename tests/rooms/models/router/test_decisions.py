"""Fast or thinking: what is plain, what is doubtful, and what always holds."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.rooms.models import ImagePart, Message, ModelRequest, TextPart, ToolSpec, ToolUse
from mecum.rooms.models.router.decision import Decision, Terms, chance, decide, price, threshold
from mecum.rooms.models.router.ladder import Waits, stepped
from mecum.rooms.models.router.lighter import lighter
from mecum.rooms.models.router.outcomes import TELLS, Outcome, taught
from mecum.rooms.models.router.question import Question, ends, of_body, of_request
from mecum.rooms.models.router.rules import Effort
from mecum.rooms.models.router.scorer import PRIOR, gain

NEVER = Terms(explored=0)
IDLE = price(0)
PLAIN = [
    ("Hi there!", "fast", "greeting"),
    ("你好", "fast", "greeting"),
    ("Thank you so much!", "fast", "greeting"),
    ("Translate this to French: The weather is lovely today.", "fast", "translate"),
    ("请把这句话翻译成英文：今天天气很好。", "fast", "translate"),
    ("Please rewrite this more politely: give me the report", "fast", "rewrite"),
    ("帮我润色一下这段文字：我们明天去。", "fast", "rewrite"),
    ("What is the capital of Mongolia?", "fast", "lookup"),
    ("Who was Ada Lovelace?", "fast", "lookup"),
    ("长城有多长？是什么时候建的", "fast", "lookup"),
    ("蒙古国的首都是什么？", "fast", "lookup"),
    ("Fix the bug in my parser, it loops for ever", "think", "code"),
    ("```python\nprint(1)\n```\nwhat does this print?", "think", "code"),
    ("帮我调试这段代码", "think", "code"),
    ("Prove that the square root of two is irrational.", "think", "maths"),
    ("证明根号二是无理数", "think", "maths"),
    ("Solve x^2 - 3x + 2 = 0", "think", "maths"),
    ("What is the capital of Mongolia? Think hard.", "think", "words"),
    ("蒙古国的首都是什么？请仔细想一想", "think", "words"),
    ("Prove that two is even, but be brief: just the answer.", "fast", "words"),
    ("证明二是偶数，请简短回答", "fast", "words"),
]
PLANS = "Plan a trip. " + "It must cost at most 900, without flights, and at least two nights are in Lyon. " * 8


def decided(text: str, wish: Effort | None = None, at: float = IDLE) -> Decision:
    return decide(Question(text, len(text)), wish, PRIOR, at, UUID(int=1), NEVER)


@pytest.mark.parametrize(("text", "effort", "why"), PLAIN)
def test_what_is_plain_needs_no_reckoning(text: str, effort: str, why: str) -> None:
    found = decided(text)
    assert (found.effort, found.why) == (effort, why)


def test_a_long_message_with_many_conditions_is_thought_about() -> None:
    assert (decided(PLANS).effort, decided(PLANS).why) == ("think", "constraints")


def test_what_came_with_a_message_is_thought_about() -> None:
    image = ImagePart("image/png", b"x")
    request = ModelRequest([Message("user", (TextPart("Hello"), image))])
    found = decide(of_request(request), None, PRIOR, IDLE, UUID(int=1), NEVER)
    assert (found.effort, found.why) == ("think", "attachments")


def test_the_last_message_of_the_person_is_looked_at_in_every_wire() -> None:
    before: list[dict[str, object]] = [
        {"role": "user", "content": "Prove it."},
        {"role": "assistant", "content": "So."},
    ]
    parts = [{"type": "input_text", "text": "Hi"}, {"type": "input_image", "image_url": "data:"}]
    asked = of_body(
        {"max_output_tokens": 9}, [*before, {"role": "user", "content": parts}], "relay.responses", 400, "default"
    )
    assert (asked.text, asked.turns, asked.attachments, asked.output_tokens_max) == ("Hi", 2, 1, 9)
    chat = of_body({"tools": [{}, {}]}, [*before, {"role": "user", "content": "Hi"}], "relay.chat", 400, "flex")
    assert (chat.text, chat.turns, chat.tools, chat.tokens, chat.tier) == ("Hi", 2, 2, 100, "flex")


def test_a_wish_in_the_middle_of_a_long_text_is_part_of_the_text() -> None:
    text = "Summarise this. " + "He said many things. " * 25 + "Think hard, he said. " + "Then he left. " * 40
    assert decided(text).why != "words"


def test_a_question_why_is_worth_more_than_small_talk() -> None:
    why = "Why did the plan fail, and how should we decide between the two strategies that are left to us now?"
    talk = "I went to the market this morning and bought some apples, it was sunny and quite warm for November"
    assert decided(why).score > decided(talk).score
    assert (decided(why).effort, decided(talk).effort) == ("think", "fast")


texts = st.text(max_size=300) | st.sampled_from([text for text, _, _ in PLAIN] + [PLANS])
efforts = st.sampled_from(("fast", "think"))
prices = st.floats(0, 10)


@given(texts, st.none() | efforts, prices, st.uuids())
def test_the_same_request_is_decided_in_the_same_way(text: str, wish: Effort | None, at: float, id_: UUID) -> None:
    asked, terms = Question(text, len(text)), Terms(explored=0.05)
    assert decide(asked, wish, PRIOR, at, id_, terms) == decide(asked, wish, PRIOR, at, id_, terms)


@given(texts, efforts, prices, st.uuids(), st.floats(0, 0.2))
def test_a_wish_always_wins(text: str, wish: Effort, at: float, id_: UUID, explored: float) -> None:
    found = decide(Question(text, len(text)), wish, PRIOR, at, id_, Terms(explored=explored))
    assert (found.effort, found.why, found.propensity) == (wish, "asked", 1.0)


@given(texts, prices, prices)
def test_a_dearer_pool_never_makes_thinking_more_likely(text: str, one: float, other: float) -> None:
    cheap, dear = decided(text, at=min(one, other)), decided(text, at=max(one, other))
    assert not (cheap.effort == "fast" and dear.effort == "think")


@given(st.floats(0, 5), st.floats(0, 5))
def test_the_price_only_grows_with_the_pool(one: float, other: float) -> None:
    assert price(min(one, other)) <= price(max(one, other))


def test_a_full_pool_thinks_only_of_what_is_plain_or_wished() -> None:
    assert threshold(price(1.0), NEVER) > 1.0
    assert decided("Why is it so? How could we compare them?", at=price(1.0)).effort == "fast"
    assert decided("Prove it.", at=price(1.0)).effort == "think"


def test_a_few_doubtful_decisions_are_turned_round_and_say_how_likely_that_was() -> None:
    terms, asked = Terms(explored=0.04), Question("Tell me something about tea", 27)
    found = [decide(asked, None, PRIOR, IDLE, UUID(int=n * 7919), terms) for n in range(10_000)]
    explored = [each for each in found if each.why == "explored"]
    assert 0.03 < len(explored) / len(found) < 0.05
    assert {each.effort for each in explored} == {"think"}
    assert {each.propensity for each in explored} == {0.04}
    assert {(each.effort, each.propensity) for each in found if each.why == "score"} == {("fast", 0.96)}
    assert all(0 <= chance(uuid4()) < 1 for _ in range(100))


def test_nothing_is_tried_at_the_cost_of_a_full_pool() -> None:
    asked = Question("Tell me something about tea", 27)
    found = {decide(asked, None, PRIOR, price(1.2), UUID(int=n), Terms()).why for n in range(500)}
    assert found == {"score"}


LADDER = [
    # effort, thinking, fast, is_wish -> effort, on_thinking, lowered
    ("think", 0.0, 0.0, False, ("think", True, None)),
    ("think", 12.0, 0.0, False, ("think", True, None)),
    ("think", 20.0, 0.0, False, ("fast", True, "effort")),
    ("think", 20.0, 0.0, True, ("think", True, None)),
    ("think", 31.0, 0.0, False, ("fast", False, "smaller")),
    ("think", 31.0, 0.0, True, ("fast", False, "smaller")),
    ("think", 31.0, None, True, ("fast", True, "effort")),
    ("think", 31.0, 40.0, False, ("fast", True, "effort")),
    ("fast", 0.0, 0.0, False, ("fast", False, None)),
    ("fast", 0.0, None, False, ("fast", True, None)),
    ("fast", 0.0, 31.0, False, ("fast", True, None)),
    ("fast", 31.0, 31.0, False, ("fast", False, None)),
]


@pytest.mark.parametrize(("effort", "thinking", "fast", "is_wish", "then"), LADDER)
def test_the_thinking_goes_first_then_the_larger_model(
    effort: Effort, thinking: float, fast: float | None, is_wish: bool, then: tuple[str, bool, str | None]
) -> None:
    step = stepped(effort, Waits(thinking, fast, 30.0), is_wish=is_wish)
    assert (step.effort, step.on_thinking, step.lowered) == then


@pytest.mark.parametrize(
    ("effort", "thinking", "fast", "less"),
    [
        ("fast", 0.0, 0.0, False),
        ("fast", 0.0, 22.0, False),
        ("fast", 0.0, 23.0, True),
        ("fast", 31.0, 31.0, True),
        ("fast", 23.0, None, True),
        ("think", 31.0, 2.0, False),
        ("think", 31.0, 29.0, True),
    ],
)
def test_what_might_still_be_refused_reads_less(
    effort: Effort, thinking: float, fast: float | None, less: bool
) -> None:
    assert stepped(effort, Waits(thinking, fast, 30.0), is_wish=False).lighter is less


def conversation(*texts: str, tools: tuple[ToolSpec, ...] = (), **more: Any) -> ModelRequest:
    """The house's words, then turns of a person and an assistant, the last of the person."""
    said = [Message("user" if n % 2 == 0 else "assistant", (TextPart(text),)) for n, text in enumerate(texts)]
    return ModelRequest([Message("system", (TextPart("You are kind."),)), *said], tools=tools, **more)


SUMS = ToolSpec("sum", "Adds.", {}, cues=r"\bsum\b")
LENT = ToolSpec("lent", "A program's own.", {})


def test_a_lighter_request_keeps_the_tools_that_are_asked_for_and_those_that_a_program_lent() -> None:
    asked, spared = lighter(conversation("Hello", tools=(SUMS, LENT)))
    assert ([tool.name for tool in asked.tools], spared) == (["lent"], ("tools",))
    kept = conversation("What is the sum of these?", tools=(SUMS, LENT))
    assert lighter(kept) == (kept, ())


def test_tools_stay_once_one_was_called_and_where_one_must_be() -> None:
    called = Message("assistant", (), (ToolUse("call_1", "sum", "{}"),))
    request = conversation("Hello", tools=(SUMS,))
    begun = replace(
        request, messages=[*request.messages, called, Message("tool", (TextPart("3"),), tool_use_id="call_1")]
    )
    assert lighter(begun) == (begun, ())
    must = replace(request, must_call=True)
    assert lighter(must) == (must, ())


def test_a_lighter_request_begins_with_something_that_a_person_said_not_long_ago() -> None:
    long = "word " * 3_500
    asked, spared = lighter(conversation("first", long, "second", "short", "third", "fine", "last"))
    texts = [part.text for message in asked.messages for part in message.content if isinstance(part, TextPart)]
    assert (texts, spared) == (["You are kind.", "second", "short", "third", "fine", "last"], ("context",))
    short = conversation("first", "short", "last")
    assert lighter(short) == (short, ())


def test_a_programs_own_request_is_never_made_lighter() -> None:
    relayed = conversation("a", "word " * 9_000, "b", tools=(SUMS,), purpose="relay.chat")
    assert lighter(relayed) == (relayed, ())


@pytest.mark.parametrize(("effort", "what"), TELLS)
def test_every_outcome_moves_the_score_the_right_way(effort: Effort, what: str) -> None:
    seen = decided("Tell me something about the history of tea").features
    helped, _ = TELLS[effort, what]
    after = gain(taught(PRIOR, [Outcome(effort, what, seen, 1.0)]), seen)
    assert after > gain(PRIOR, seen) if helped else after < gain(PRIOR, seen)


def test_what_says_nothing_changes_nothing() -> None:
    seen = decided("Tell me something about the history of tea").features
    assert taught(PRIOR, [Outcome("think", "regenerated", seen, 1.0), Outcome("fast", "stopped", seen, 1.0)]) == PRIOR


def test_complaints_of_one_kind_teach_that_kind_and_spare_the_others() -> None:
    asked = decided("Compare the two offers and say which one we should take for the office")
    talk = decided("I had a nice walk today and then some tea with my neighbour from upstairs")
    outcomes = [Outcome("fast", "think_longer", asked.features, 1.0), Outcome("fast", "up", talk.features, 1.0)] * 150
    after = taught(PRIOR, outcomes)
    assert gain(after, asked.features) > 0.6
    assert gain(after, talk.features) < 0.2


@pytest.mark.parametrize(
    "text",
    ["Why must the plan hold, and how? 1. a\n" * 400, "为什么必须这样？" * 900, "x" + "\n" * 9000 + "x", " " * 9000]
    + [f"x{again * 9000}x" for again in ("a", "select ", "a ^", "$a ", "; ", "def ", "1) ", "\ufdfa")],
)
def test_a_decision_takes_less_than_two_milliseconds_whatever_was_written(text: str) -> None:
    """In time of the processor, for others may be at work beside it: the fastest of some is what it takes."""
    took: list[float] = []
    for number in range(30):
        began = time.thread_time()
        decide(Question(ends(text), len(text)), None, PRIOR, IDLE, UUID(int=number), Terms())
        took.append(time.thread_time() - began)
    assert min(took) < 0.002
