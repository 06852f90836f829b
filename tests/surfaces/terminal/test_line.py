"""Line mode: what stands on standard output and standard error, and the exit codes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mecum.kit.errors import BadRequest, MecumError, NotFound
from mecum.surfaces.terminal.asking import Asker, ask_on
from mecum.surfaces.terminal.client import Client
from mecum.surfaces.terminal.line import Console, Message, message_text, run_line
from mecum.surfaces.terminal.nodes import Wait
from mecum.surfaces.terminal.questions import Question, question_of
from mecum.surfaces.terminal.words import Words
from tests.surfaces.terminal.fake_api import FakeApi
from tests.surfaces.terminal.fake_run import Again, Ask, Cut, End, HintOf, Hold, Say, Use, Watched

ERROR = {"code": "provider_error", "detail": "The provider failed.", "hint": "Try again.", "retryable": True}
FORM = {
    "title": "When?",
    "text": "I need a day.",
    "schema": {
        "type": "object",
        "properties": {
            "f0": {"type": "string", "format": "date", "title": "Day"},
            "f1": {"type": "boolean", "title": "Morning"},
            "f2": {"type": "string", "enum": ["Ghent", "Lisbon"], "title": "Where"},
        },
        "required": ["f0", "f1", "f2"],
    },
}


class TypedAnswers:
    """A person who types these lines."""

    def __init__(self, *lines: str) -> None:
        self._source = io.StringIO("".join(f"{line}\n" for line in lines))
        self.seen = io.StringIO()

    async def ask(self, question: Question, words: Words) -> dict[str, Any] | None:
        return ask_on(self._source, self.seen, question, words)


class Screen:
    """Where line mode writes."""

    def __init__(self, *, live: bool = False, asker: Asker | None = None) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.console = Console(self.out, self.err, live, live, asker)

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(20):
            while text not in self.out.getvalue():  # noqa: ASYNC110  a StringIO has no event for it
                await asyncio.sleep(0)


async def say(client: Client, screen: Screen, *, text: str = "Why?", as_json: bool = False, **where: Any) -> int:
    async with asyncio.timeout(20):
        return await run_line(client, Message(text, **where), screen.console, Words("en"), as_json=as_json)


async def test_a_pipe_gets_the_answer_and_nothing_else(api: FakeApi, client: Client) -> None:
    api.script(HintOf("queued"), Say("Because"), Say(" it *is*.\n\n"))
    screen = Screen()
    assert await say(client, screen) == 0
    assert (screen.out.getvalue(), screen.err.getvalue()) == ("Because it *is*.\n", "")
    (body,) = api.bodies("POST", "/api/messages")
    assert body["text"] == "Why?"


async def test_a_pipe_gets_each_answer_once_even_when_the_line_breaks_and_the_model_starts_over(
    api: FakeApi, client: Client
) -> None:
    api.script(Watched(), Say("Wrong"), Cut(), Watched(), Again(), Say("Right"), Cut(), Say("!"))
    screen = Screen()
    assert await say(client, screen) == 0
    assert screen.out.getvalue() == "Right!\n"


async def test_a_person_sees_the_answer_grow_after_what_it_waits_for(api: FakeApi, client: Client) -> None:
    api.script(Watched(), HintOf("model_arriving", 0.43, 130), Say("Be"), Say("cause."))
    screen = Screen(live=True)
    assert await say(client, screen) == 0
    assert screen.out.getvalue() == "Because.\n"
    assert "The model is arriving  43 %  about 2 min" in screen.err.getvalue()
    assert screen.err.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("routed", "told"),
    [
        ({"effort": "fast", "why": "lookup", "lowered": None}, "Answered fast"),
        ({"effort": "think", "why": "maths", "lowered": None}, "Thought for 1 s"),
        (
            {"effort": "fast", "why": "asked", "lowered": None, "lighter": ["tools"]},
            "Answered fast · without some tools, because many were waiting",
        ),
        (
            {"effort": "fast", "why": "asked", "lowered": "smaller"},
            "Answered fast · a smaller model, because many were waiting",
        ),
        (
            {"effort": "fast", "why": "asked", "lowered": "effort"},
            "Answered fast · with less thinking, because many were waiting",
        ),
    ],
)
async def test_a_person_is_told_how_an_answer_was_made_and_a_pipe_is_not(
    api: FakeApi, client: Client, routed: dict[str, Any], told: str
) -> None:
    for live in (True, False):
        api.script(Say("Because."), End("done", routed=routed))
        screen = Screen(live=live)
        assert await say(client, screen) == 0
        assert screen.out.getvalue() == "Because.\n"
        assert (told in screen.err.getvalue()) is live


async def test_a_person_is_told_when_an_answer_starts_over(api: FakeApi, client: Client) -> None:
    gate = asyncio.Event()
    api.script(Watched(), Say("Wrong"), Hold(gate), Again(), Say("Right"))
    screen = Screen(live=True)
    task = asyncio.create_task(say(client, screen))
    await screen.shows("Wrong")
    gate.set()
    assert await task == 0
    assert screen.out.getvalue() == "Wrong\n\x1b[2m— again from the start —\x1b[0m\nRight\n"


async def test_a_failed_run_is_exit_code_1_with_the_reason(api: FakeApi, client: Client) -> None:
    api.script(Say("Half"), End("failed", ERROR))
    screen = Screen()
    assert await say(client, screen) == 1
    assert screen.out.getvalue() == "Half\n"
    assert screen.err.getvalue() == "mecum: The provider failed. Try again.\n"


async def test_a_limit_is_exit_code_1(api: FakeApi, client: Client) -> None:
    api.script(Say("Half"), End("limit"))
    screen = Screen()
    assert await say(client, screen) == 1
    assert "A limit was reached" in screen.err.getvalue()


async def test_programs_get_one_json_object(api: FakeApi, client: Client) -> None:
    api.script(Use("calculator"), Say("4"))
    screen = Screen()
    assert await say(client, screen, as_json=True) == 0
    found = json.loads(screen.out.getvalue())
    assert (found["text"], found["reason"], found["model"]) == ("4", "done", "fake")
    assert found["thread"] in api.threads and found["usage"]["output"] == 5


async def test_it_goes_on_in_a_thread(api: FakeApi, client: Client) -> None:
    thread = api.thread("Old")
    api.talk(thread, "One?", "1")
    assert await say(client, Screen(), thread=thread.id) == 0
    assert [event["payload"]["text"] for event in thread.events if event["type"] == "message.user"] == ["One?", "Why?"]
    with pytest.raises(MecumError) as caught:
        await say(client, Screen(), thread="thr_none")
    assert caught.value.status == 404


async def test_last_is_the_thread_where_something_happened_last(api: FakeApi, client: Client) -> None:
    with pytest.raises(NotFound):
        await say(client, Screen(), last=True)
    api.thread("Pinned", pinned=True)
    newest = api.thread("Newest", minutes=9)
    assert await say(client, Screen(), last=True) == 0
    assert any(event["type"] == "message.user" for event in newest.events)


async def test_files_go_with_the_message(api: FakeApi, client: Client, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert await say(client, Screen(), attach=(tmp_path / "notes.txt",)) == 0
    (body,) = api.bodies("POST", "/api/messages")
    (file,) = api.files.values()
    assert body["attachments"] == [file["id"]] and (file["name"], file["size_bytes"]) == ("notes.txt", 5)
    with pytest.raises(BadRequest, match="can't be read"):
        await say(client, Screen(), attach=(tmp_path / "none.txt",))


async def test_ctrl_c_stops_the_run_and_keeps_what_there_is(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Say("Half"), Hold(asyncio.Event()), Say("never"))
    screen = Screen(live=True)
    task = asyncio.create_task(say(client, screen))
    await screen.shows("Half")
    os.kill(os.getpid(), signal.SIGINT)
    assert await task == 130
    assert screen.out.getvalue() == "Half\n"
    assert api.bodies("POST", "/stop")


async def test_without_a_person_a_question_ends_with_exit_code_3(api: FakeApi, client: Client) -> None:
    api.script(Ask("form", FORM), Say("Good."))
    screen = Screen()
    assert await say(client, screen) == 3
    (thread,) = api.threads
    assert screen.err.getvalue() == f"mecum: Mecum asks: When?\nAnswer with: mecum chat --thread {thread}\n"


async def test_a_person_fills_in_a_form_and_is_asked_again_for_what_can_not_be_read(
    api: FakeApi, client: Client
) -> None:
    api.script(Ask("form", FORM), Say("Good."))
    person = TypedAnswers("tomorrow", "2026-03-31", "maybe", "y", "2")
    screen = Screen(asker=person)
    assert await say(client, screen) == 0
    (body,) = [seen.body for seen in api.requests if "/waits/" in seen.path]
    assert body["answer"] == {"f0": "2026-03-31", "f1": True, "f2": "Lisbon"}
    seen = person.seen.getvalue()
    assert "I need a day." in seen and "Give a date like 2026-03-31." in seen and "Answer yes or no." in seen
    assert screen.out.getvalue() == "Good.\n"


async def test_a_person_decides_about_a_confirmation_with_its_values_in_view(api: FakeApi, client: Client) -> None:
    api.script(Ask("confirm", {"tool": "mail.send", "receiver": "mail", "arguments": {"to": "bob"}}), Say("Sent."))
    person = TypedAnswers("1")
    assert await say(client, Screen(asker=person)) == 0
    (body,) = [seen.body for seen in api.requests if "/waits/" in seen.path]
    assert body["answer"] == {"decision": "yes"}
    assert "May I do this? mail.send" in person.seen.getvalue() and "to: bob" in person.seen.getvalue()


@pytest.mark.parametrize(
    ("arguments", "given", "text"),
    [
        (["review", "this"], None, "review this"),
        (["review this"], b"diff --git a b\n", "review this\n\ndiff --git a b"),
        ([], b"only this\n", "only this"),
        (["only this"], b"", "only this"),
    ],
)
def test_a_message_is_the_words_and_then_the_input(arguments: Sequence[str], given: bytes | None, text: str) -> None:
    assert message_text(arguments, given) == text


@pytest.mark.parametrize("given", [None, b"", b" \n", b"\x7fELF\0\0", b"x" * (4 * 2**20 + 1)])
def test_nothing_and_no_text_are_refused(given: bytes | None) -> None:
    with pytest.raises(BadRequest):
        message_text([], given)


def test_a_lent_tool_is_not_for_the_person_to_answer(words: Words) -> None:
    assert not question_of(Wait("w", "lent_tool", {"title": "shell"}, None), words).answerable
