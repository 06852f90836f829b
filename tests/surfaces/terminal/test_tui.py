"""The page in the terminal, driven by its keys against a server over loopback."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Button, Input, Select, Static

from mecum.kit.errors import Unavailable
from mecum.surfaces.terminal.client import Client
from mecum.surfaces.terminal.frames import Posted
from mecum.surfaces.terminal.line import Message
from mecum.surfaces.terminal.tui.app import MecumApp
from mecum.surfaces.terminal.tui.asking import QuestionCard
from mecum.surfaces.terminal.tui.dialogs import HelpDialog, LineDialog, complete_path
from mecum.surfaces.terminal.tui.page import Earlier
from mecum.surfaces.terminal.words import Words
from tests.surfaces.terminal.driver import page
from tests.surfaces.terminal.fake_api import FakeApi
from tests.surfaces.terminal.fake_run import Ask, Cut, End, HintOf, Hold, Say, Think, Use, Watched
from tests.surfaces.terminal.test_line import ERROR, FORM


async def test_an_empty_page_says_what_one_can_do(api: FakeApi, client: Client) -> None:
    async with page(client) as shown:
        await shown.sees("This page is yours.", "To try", "Enter send", "What you write will be listed")
        await shown.press("shift+tab", "enter")
        assert shown.app.composer.text == "Remind me on Friday to call the dentist"


async def test_a_message_opens_a_thread_and_its_answer_streams(api: FakeApi, client: Client) -> None:
    gate = asyncio.Event()
    api.script(Watched(), Say("The *lowest*"), Hold(gate), Say(" rent.\n\n- one\n- two"))
    async with page(client) as shown:
        await shown.say("Which home?")
        await shown.sees("You", "Which home?", "Mecum", "The lowest", "Esc stop")
        gate.set()
        await shown.sees("The lowest rent.", "• one", "^R again")
        assert shown.app.composer.text == ""
        await shown.sees("Earlier", "  Which home?")


async def test_a_line_that_breaks_is_said_and_the_answer_goes_on(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Say("Hel"), Cut(), Watched(), Say("lo"))
    async with page(client) as shown:
        await shown.say("Hi")
        await shown.sees("Hello")


async def test_a_server_that_goes_away_is_said_in_the_bar(api: FakeApi, client: Client) -> None:
    thread = api.thread("Old")
    api.talk(thread, "One?", "It is one.")
    async with page(client, thread=thread.id) as shown:
        await shown.sees("One?", "It is one.")
        await api.close_door()
        await shown.sees("The line broke.")
        api.talk(thread, "Two?", "It is two.")
        await api.open_door()
        await shown.sees("Two?", "It is two.")
        await shown.misses("The line broke.")


async def test_a_wait_for_the_model_shows_how_far_it_is(api: FakeApi, client: Client) -> None:
    api.script(Watched(), HintOf("model_arriving", 0.5, 40), Hold(asyncio.Event()))
    async with page(client) as shown:
        await shown.say("Hi")
        await shown.sees("━━━━━━━━━━━━", "The model is arriving  50 %  about 40 s")


async def test_escape_stops_the_answer(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Say("Half"), Hold(asyncio.Event()))
    async with page(client) as shown:
        await shown.say("Hi")
        await shown.sees("Half")
        await shown.press("escape")
        await shown.sees("Half", "Stopped.")
        assert api.bodies("POST", "/stop")


async def test_a_failed_answer_says_why(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Say("Half"), End("failed", ERROR))
    async with page(client) as shown:
        await shown.say("Hi")
        await shown.sees("Half", "The provider failed. Try again.")


async def test_steps_stand_above_the_answer_and_thoughts_open_with_f3(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Think("Let me count."), Use("calculator", 1.5), Say("4"))
    async with page(client) as shown:
        await shown.say("2+2?")
        await shown.sees("✓ calculator  · 1.5 s", "Thought first", "4")
        assert "Let me count." not in shown.text
        await shown.press("f3")
        await shown.sees("Let me count.")


async def test_an_answer_can_be_given_again_and_both_be_seen(api: FakeApi, client: Client) -> None:
    thread = api.thread("Old")
    api.talk(thread, "Why?", "First.")
    api.script(Say("Second."))
    async with page(client, thread=thread.id) as shown:
        await shown.sees("First.")
        await shown.press("ctrl+r")
        await shown.sees("Second.", "‹2/2›")
        assert "First." not in shown.text
        await shown.press("alt+left")
        await shown.sees("First.", "‹1/2›")


async def test_what_was_said_last_is_edited_as_a_branch(api: FakeApi, client: Client) -> None:
    thread = api.thread("Old")
    api.talk(thread, "Why?", "First.")
    async with page(client, thread=thread.id) as shown:
        await shown.sees("First.")
        await shown.press("up")
        assert shown.app.composer.text == "Why?"
        await shown.sees("Editing")
        await shown.press(" ", "n", "o", "w", "enter")
        await shown.sees("Why? now", "Yes.", "‹2/2›")
        (body,) = api.bodies("POST", "/messages")
        assert body["parent"] is None
    async with page(client, thread=thread.id) as shown:
        await shown.sees("Yes.")
        await shown.press("up", "escape")
        assert shown.app.composer.text == "" and "Editing" not in shown.text


async def test_a_form_is_filled_in_on_the_page(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Ask("form", FORM), Say("Good."))
    async with page(client) as shown:
        await shown.say("Plan it")
        await shown.sees("When?", "I need a day.", "Tab answer")
        card = shown.app.query_one(QuestionCard)
        assert card.query_one(Input).has_focus
        await shown.press(*"tomorrow", "enter")
        await shown.sees("Day: Give a date like 2026-03-31.")
        card.query_one(Input).value = "2026-03-31"
        morning, where = card.query(Select)
        morning.value, where.value = "yes", "Lisbon"
        card.query_one(Button).press()
        await shown.sees("You answered: 2026-03-31, Yes, Lisbon", "Good.")
        (body,) = [seen.body for seen in api.requests if "/waits/" in seen.path]
        assert body["answer"] == {"f0": "2026-03-31", "f1": True, "f2": "Lisbon"}


async def test_a_confirmation_shows_its_values_and_is_not_given_by_accident(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Ask("confirm", {"tool": "mail", "receiver": "mail", "arguments": {"to": "bob"}}), Say("Ok."))
    async with page(client) as shown:
        await shown.say("Write to bob")
        await shown.sees("May I do this? mail", "to: bob", "Yes", "No")
        await shown.press("enter")
        assert not [seen for seen in api.requests if "/waits/" in seen.path]
        no = shown.app.query(Button).last()
        no.focus()
        await shown.press("enter")
        await shown.sees("You answered: No", "Ok.")


async def test_a_question_answered_elsewhere_closes_here(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Ask("confirm", {"tool": "mail", "arguments": {}}), Say("Ok."))
    async with page(client) as shown:
        await shown.say("Write to bob")
        await shown.sees("May I do this?")
        (thread,) = api.threads.values()
        (answered,) = thread.waits.values()
        answered.set_result({"decision": "yes"})
        await shown.sees("You answered: Yes", "Ok.")


async def test_files_are_attached_by_path(api: FakeApi, client: Client, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    async with page(client) as shown:
        await shown.press("ctrl+o")
        await shown.until(lambda: isinstance(shown.app.screen, LineDialog))
        shown.app.screen.query_one(Input).value = str(tmp_path / "no")
        await shown.press("end")
        shown.app.screen.query_one(Input).value = str(tmp_path / "notes.txt")
        await shown.press("enter")
        await shown.sees("▪ notes.txt  5 B")
        await shown.say("Read it")
        await shown.sees("Read it", "Yes.")
        assert shown.turns[0].query_one(".files", Static).display
        assert api.bodies("POST", "/api/messages")[0]["attachments"] == list(api.files)


async def test_files_of_the_command_line_go_with_the_first_message(
    api: FakeApi, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    async with page(client, attach=(tmp_path / "notes.txt",)) as shown:
        await shown.sees("▪ notes.txt  5 B")


async def test_a_file_that_can_not_be_read_is_said(api: FakeApi, client: Client, tmp_path: Path) -> None:
    async with page(client) as shown:
        await shown.press("ctrl+o")
        await shown.until(lambda: isinstance(shown.app.screen, LineDialog))
        shown.app.screen.query_one(Input).value = str(tmp_path / "none.txt")
        await shown.press("enter")
        await shown.sees("can't be read")


async def test_a_refused_message_comes_back_into_the_composer(api: FakeApi, client: Client) -> None:
    api.refuse["POST /api/messages"] = (413, {"code": "too_large", "detail": "It is too long."})
    async with page(client) as shown:
        await shown.say("Much too long")
        await shown.sees("It is too long.")
        assert shown.app.composer.text == "Much too long"


async def test_a_refused_message_stands_before_what_was_typed_meanwhile(
    api: FakeApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = api.thread("Old")
    api.talk(thread, "Why?", "Because.")
    async with page(client, thread=thread.id) as shown:
        await shown.sees("Because.")
        gate = asyncio.Event()

        async def refusing(*_: object, **__: object) -> Posted:
            await gate.wait()
            raise Unavailable(
                "terminal.unreachable", "Mecum can't be reached.", params={"server": "here", "reason": ""}
            )

        monkeypatch.setattr(client, "post", refusing)
        await shown.say("Never heard")
        await shown.press("m", "o", "r", "e")
        gate.set()
        await shown.sees("can't be reached")
        assert shown.app.composer.text == "Never heard\n\nmore"


async def test_long_threads_show_their_end_first(api: FakeApi, client: Client) -> None:
    thread = api.thread("Long")
    for number in range(30):
        api.talk(thread, f"Question {number}?", f"Answer {number}.")
    async with page(client, thread=thread.id) as shown:
        await shown.sees("Answer 29.")
        assert len(shown.turns) == 40
        shown.app.query_one(Earlier).on_click()
        await shown.until(lambda: len(shown.turns) == 60)
        assert [view.turn.text for view in shown.turns[:2]] == ["Question 0?", "Answer 0."]


async def test_another_thread_shows_its_end_wherever_one_was_in_the_last(api: FakeApi, client: Client) -> None:
    first, second = api.thread("First"), api.thread("Second", minutes=1)
    for number in range(12):
        api.talk(first, f"One {number}?", f"First answer {number}.")
        api.talk(second, f"Two {number}?", f"Second answer {number}.")
    async with page(client, thread=first.id) as shown:
        await shown.sees("First answer 11.")
        await shown.press("ctrl+home")
        await shown.sees("One 0?")
        shown.app.open_thread(second.id)
        await shown.sees("Second answer 11.")


async def test_whoever_reads_above_is_not_pulled_to_the_end(api: FakeApi, client: Client) -> None:
    gate = asyncio.Event()
    thread = api.thread("Long")
    for number in range(12):
        api.talk(thread, f"Question {number}?", f"Answer {number}.")
    api.script(Watched(), Say("It grows"), Hold(gate), Say("\n\nand grows" * 30))
    async with page(client, thread=thread.id) as shown:
        await shown.sees("Answer 11.")
        await shown.say("Go on")
        await shown.sees("It grows")
        await shown.press("ctrl+home")
        await shown.sees("Question 0?")
        gate.set()
        await shown.until(lambda: not shown.app.conversation or not shown.app.conversation.active_run())
        assert "Question 0?" in shown.text
        await shown.press("ctrl+end")
        await shown.sees("and grows")


async def test_text_of_others_can_not_drive_the_terminal(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Say("\x1b]0;owned\x07 and \x1b[31mred [bold]markup[/bold]"))
    async with page(client) as shown:
        await shown.say("[red]Hi[/red]")
        await shown.sees("[red]Hi[/red]", "[bold]markup[/bold]")
        assert "\x1b" not in shown.text and "\x07" not in shown.text


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (103, 30), (120, 40), (200, 60)])
async def test_it_fits_every_size(api: FakeApi, client: Client, size: tuple[int, int]) -> None:
    thread = api.thread("Old")
    api.talk(thread, "Why is the sky blue?", "Because it scatters short waves. " * 12)
    async with page(client, size=size, thread=thread.id) as shown:
        await shown.sees("You", "Enter send")
        lines = shown.text.splitlines()
        assert len(lines) == size[1] and max(map(len, lines)) <= size[0]
        assert shown.app.rail.display == (size[0] >= 104)
        await shown.press("ctrl+t")
        await shown.sees("Mecum", "  Old")
        await shown.press("escape")
        assert shown.app.composer.has_focus
        await shown.pilot.resize_terminal(60, 20)
        await shown.sees("Mecum")


async def test_it_speaks_chinese_and_changes_colours(api: FakeApi, client: Client) -> None:
    async with page(client, locale="zh_CN", dark=False) as shown:
        await shown.sees("这一页是你的。", "发送")
        assert shown.app.theme == "mecum-light"
        await shown.press("f2")
        assert shown.app.theme == "mecum-dark"


async def test_help_names_the_keys(api: FakeApi, client: Client) -> None:
    async with page(client) as shown:
        await shown.press("f1")
        await shown.until(lambda: isinstance(shown.app.screen, HelpDialog))
        await shown.sees("Ctrl+J", "New line", "Search all threads")
        await shown.press("ctrl+n", "escape")
        assert len(shown.app.screen_stack) == 1


async def test_a_key_that_is_no_longer_valid_ends_it_with_the_reason(api: FakeApi) -> None:
    async with Client(api.url, "mk_wrong") as stranger:
        app = MecumApp(stranger, Words("en"), Message(""), dark=True)
        async with app.run_test() as pilot:
            async with asyncio.timeout(10):
                while app.is_running and app.return_value is None:
                    await pilot.pause()
        assert app.return_value == 1


def test_paths_are_completed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "novels").mkdir()
    (tmp_path / ".hidden").write_text("")
    assert complete_path(f"{tmp_path}/no") == f"{tmp_path}/notes.txt"
    assert complete_path(f"{tmp_path}/nov") == f"{tmp_path}/novels/"
    assert complete_path(f"{tmp_path}/x") is None
    assert complete_path("") is None
