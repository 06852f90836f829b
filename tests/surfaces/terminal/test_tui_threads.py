"""The list of threads in the terminal's page, and the commands for a thread, by their keys."""

from __future__ import annotations

from textual.widgets import Input, OptionList

from mecum.surfaces.terminal.client import Client
from tests.surfaces.terminal.driver import command, page
from tests.surfaces.terminal.fake_api import FakeApi


async def test_threads_are_listed_searched_and_opened(api: FakeApi, client: Client) -> None:
    for name in ("Plum cake", "Boiler"):
        thread = api.thread(name)
        api.talk(thread, f"About {name}?", f"All about {name}.")
    api.thread("Report", pinned=True)
    async with page(client) as shown:
        await shown.sees("Pinned", "Report", "Earlier", "Plum cake", "Boiler")
        await shown.press("ctrl+f", *"plum")
        await shown.sees("… plum …")
        assert "Boiler" not in shown.text
        await shown.press("enter", "enter")
        await shown.sees("All about Plum cake.")
        assert shown.app.composer.has_focus


async def test_a_thread_that_changes_elsewhere_changes_in_the_list(api: FakeApi, client: Client) -> None:
    async with page(client) as shown:
        await shown.sees("What you write will be listed")
        posted = await client.post(None, "From the phone")
        await shown.sees("  From the phone")
        await client.change_thread(posted.thread, title="Renamed")
        await shown.sees("  Renamed")
        await client.delete_thread(posted.thread)
        await shown.sees("What you write will be listed")


async def test_the_list_goes_on_where_one_scrolls(api: FakeApi, client: Client) -> None:
    for number in range(70):
        api.thread(f"Thread {number}", minutes=number)
    async with page(client) as shown:
        await shown.sees("Thread 69")
        await shown.press("ctrl+t", "end")
        await shown.until(lambda: shown.app.query_one(OptionList).option_count > 70)


async def test_archived_and_deleted_threads_are_listed_and_brought_back(api: FakeApi, client: Client) -> None:
    aside, gone, there = api.thread("Put aside"), api.thread("Thrown away"), api.thread("Still there")
    api.talk(aside, "Why?", "Because.")
    api.talk(gone, "Where?", "Here.")
    aside.archived = gone.deleted = True
    async with page(client) as shown:
        await shown.sees("Still there")
        await shown.misses("Put aside")
        await command(shown, "List what is archived")
        await shown.sees("Put aside", "Archive")
        await shown.misses("Still there")
        await shown.press("home", "enter")
        await shown.sees("Because.")
        await command(shown, "Bring this thread back")
        await shown.until(lambda: not aside.archived)
        await command(shown, "List what is deleted")
        await shown.press("home", "enter")
        await shown.sees("Here.")
        assert not gone.deleted
        await command(shown, "List the threads")
        await shown.sees("Put aside", "Thrown away", there.title)


async def test_whoever_says_that_an_answer_is_bad_can_say_why(api: FakeApi, client: Client) -> None:
    thread = api.thread("Old")
    api.talk(thread, "Why?", "Because.")
    async with page(client, thread=thread.id) as shown:
        await shown.sees("Because.")
        await command(shown, "The answer was bad")
        shown.app.screen.query_one(Input).value = "It says nothing"
        await shown.press("enter")
        await shown.until(lambda: any(seen.method == "PUT" for seen in api.requests))
        said = next(seen.body for seen in api.requests if seen.method == "PUT")
        assert said == {"value": "down", "reason": "It says nothing"}


async def test_commands_rename_pin_and_delete_with_undo(api: FakeApi, client: Client) -> None:
    thread = api.thread("Old")
    api.talk(thread, "Why?", "Because.")
    async with page(client, thread=thread.id) as shown:
        await shown.sees("Because.")
        await command(shown, "Pin this")
        await shown.sees("Pinned")
        await command(shown, "Give this thread a title")
        shown.app.screen.query_one(Input).value = "New name"
        await shown.press("enter")
        await shown.sees("New name")
        await command(shown, "Delete this")
        await shown.sees("This page is yours.", "Deleted.")
        await command(shown, "Bring the deleted")
        await shown.sees("Because.", "New name")
