"""The page in the terminal and the whole house: one thread, the same stream on every surface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from mecum.surfaces.terminal.client import Client
from tests.support.living_house import House, fresh_database, living_house
from tests.surfaces.terminal.driver import page


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as made:
        yield made


@pytest.fixture
async def guest(house: House) -> AsyncGenerator[Client]:
    """A client of the house. Its key is made in the house's own thread."""
    key = await asyncio.to_thread(house.key, "chat", "threads", "models")
    async with Client(house.url, key) as made:
        yield made


async def test_a_thread_that_two_surfaces_have_open_shows_the_same_in_both(house: House, guest: Client) -> None:
    async with page(guest) as shown:
        await shown.say("Hello from the terminal")
        await shown.sees("You said “Hello from the terminal”:", "^R again")
        conversation = shown.app.conversation
        assert conversation is not None
        body = {"client_id": "from-the-web", "text": "And from the browser"}
        await asyncio.to_thread(house.post, f"/api/threads/{conversation.thread}/messages", body)
        await shown.sees("And from the browser", "You said “And from the browser”:")
        log = await asyncio.to_thread(house.until_idle, conversation.thread)
        answers = [event["payload"]["text"] for event in log if event["type"] == "message.assistant"]
        assert [view.turn.text for view in shown.turns if view.turn.kind == "answer"] == answers
        surfaces = [event["payload"]["surface"] for event in log if event["type"] == "message.user"]
        assert surfaces == ["terminal", "api"]


async def test_search_titles_and_the_list_come_from_the_house(house: House, guest: Client) -> None:
    async with page(guest) as shown:
        await shown.say("Where do herons nest?")
        await shown.sees("You said “Where do herons nest?”")
        await shown.press("ctrl+f", *"herons")
        await shown.sees("Where do herons nest?")
        thread = shown.app.conversation
        assert thread is not None
        await guest.change_thread(thread.thread, title="Herons")
        await shown.press("escape", "escape")
        await shown.sees("Herons")


async def test_a_search_says_by_which_file_or_title_a_page_was_found(
    house: House, guest: Client, tmp_path: Path
) -> None:
    note = tmp_path / "wadden.txt"
    note.write_text("Spoonbills breed.", encoding="utf-8")
    file = await guest.attach(note)
    posted = await guest.post(None, "Read this", attachments=[file.id])
    await asyncio.to_thread(house.until_idle, posted.thread)
    await guest.change_thread(posted.thread, title="About spoonbills")
    async with page(guest) as shown:
        await shown.press("ctrl+f", *"spoonb")
        await shown.sees("wadden.txt: Spoonbills")
        assert shown.text.count("About spoonbills") == 2
    async with page(guest) as shown:
        await shown.press("ctrl+f", *"wadden")
        await shown.sees("wadden.txt")
        assert "wadden.txt: " not in shown.text


async def test_what_was_deleted_in_the_terminal_can_be_brought_back(house: House, guest: Client) -> None:
    posted = await guest.post(None, "To be deleted")
    await guest.delete_thread(posted.thread)
    assert posted.thread not in [thread.id for thread in (await guest.threads())[0]]
    assert (await guest.restore_thread(posted.thread)).id == posted.thread
