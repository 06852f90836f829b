"""The client of `/api`: errors, repeated posts, streams that break."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from mecum.kit.errors import BadRequest, MecumError, Unavailable
from mecum.surfaces.terminal.client import Client, check_server
from mecum.surfaces.terminal.conversation import Conversation
from mecum.surfaces.terminal.frames import Link
from mecum.surfaces.terminal.sse import SseFrame, SseParser
from mecum.surfaces.terminal.watching import watch
from tests.surfaces.terminal.fake_api import KEY, FakeApi
from tests.surfaces.terminal.fake_run import Again, Cut, Say, Watched


async def test_it_says_who_it_is(api: FakeApi, client: Client) -> None:
    await client.threads()
    headers = api.requests[-1].headers
    assert headers["Authorization"] == f"Bearer {KEY}" and headers["X-Mecum-Surface"] == "terminal"


async def test_a_refusal_keeps_the_words_of_the_server(api: FakeApi) -> None:
    async with Client(api.url, "mk_wrong") as stranger:
        with pytest.raises(MecumError) as caught:
            await stranger.threads()
    assert (caught.value.status, caught.value.code) == (401, "unauthenticated")
    assert caught.value.detail == "Nobody is signed in, or the key is not valid."


async def test_a_server_that_is_not_there_is_said_to_be_unreachable(api: FakeApi) -> None:
    await api.close_door()
    async with Client(api.url, KEY, retry_first_s=0.001) as client:
        with pytest.raises(Unavailable, match=r"terminal\.unreachable"):
            await client.threads()
        with pytest.raises(Unavailable, match=r"terminal\.unreachable"):
            await client.post(None, "Hello")
    await api.open_door()


async def test_a_message_is_sent_again_until_the_server_has_it_and_stays_one(api: FakeApi, client: Client) -> None:
    api.refuse["POST /api/messages"] = (503, {"code": "starting", "detail": "Mecum is starting."})

    async def back_soon() -> None:
        while len(api.requests) < 2:  # noqa: ASYNC110  the fake server has no event for it
            await asyncio.sleep(0)
        api.refuse.clear()

    helper = asyncio.create_task(back_soon())
    posted = await client.post(None, "Hello")
    await helper
    ids = {body["client_id"] for body in api.bodies("POST", "/api/messages")}
    assert len(ids) == 1 and list(api.threads) == [posted.thread]


async def test_a_stream_that_breaks_goes_on_where_it_broke(api: FakeApi, client: Client) -> None:
    api.script(Watched(), Say("Hel"), Cut(), Watched(), Say("lo"), Cut(), Say(" you"))
    posted = await client.post(None, "Hi")
    conversation = Conversation(posted.thread)
    broken = 0
    async with asyncio.timeout(20), aclosing(watch(client, conversation)) as frames:
        async for frame in frames:
            if isinstance(frame, Link) and not frame.open:
                broken += 1
            if (run := conversation.runs.get(posted.run)) and run.finished:
                break
    assert [turn.text for turn in conversation.turns()] == ["Hi", "Hello you"]
    assert broken == 2
    seqs = [int(seen.headers.get("Last-Event-ID", "0").split(":")[0]) for seen in api.requests if "events" in seen.path]
    assert seqs == sorted(seqs) and len(seqs) == broken + 1


async def test_a_server_that_comes_back_is_found_again(api: FakeApi, client: Client) -> None:
    thread = api.thread("Old")
    api.talk(thread, "One?", "1")
    conversation = Conversation(thread.id)
    async with asyncio.timeout(20), aclosing(watch(client, conversation)) as frames:
        async for _ in frames:
            if conversation.seq == len(thread.events):
                break
        await api.close_door()
        api.talk(thread, "Two?", "2")
        await api.open_door()
        async for _ in frames:
            if conversation.seq == len(thread.events):
                break
    assert [turn.text for turn in conversation.turns()] == ["One?", "1", "Two?", "2"]


async def test_a_thread_that_is_not_there_ends_the_stream(api: FakeApi, client: Client) -> None:
    with pytest.raises(MecumError) as caught:
        async with aclosing(watch(client, Conversation("thr_none"))) as frames:
            async for _ in frames:
                pass
    assert caught.value.status == 404


async def test_an_attempt_that_starts_over_shows_its_own_text_alone(api: FakeApi, client: Client) -> None:
    api.script(Say("Wrong"), Again(), Say("Right"))
    posted = await client.post(None, "Hi")
    conversation = Conversation(posted.thread)
    async with asyncio.timeout(20), aclosing(watch(client, conversation)) as frames:
        async for _ in frames:
            if (run := conversation.runs.get(posted.run)) and run.finished:
                break
    assert conversation.turns()[-1].text == "Right"


async def test_the_newest_thread_is_not_the_pinned_one(api: FakeApi, client: Client) -> None:
    api.thread("Pinned", pinned=True)
    newest = api.thread("Newest", minutes=5)
    found = await client.newest_thread()
    assert found and found.id == newest.id


@pytest.mark.parametrize(
    ("given", "server"),
    [
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("mecum.example.org", "https://mecum.example.org"),
        ("https://mecum.example.org:8443", "https://mecum.example.org:8443"),
    ],
)
def test_addresses_of_servers_have_one_form(given: str, server: str) -> None:
    assert check_server(given) == server


@pytest.mark.parametrize(
    "given",
    [
        "http://mecum.example.org",
        "http://127.example.org",
        "ftp://localhost",
        "https://",
        "https://host:notaport",
        "https://host/path",
        "https://user@host",
    ],
)
def test_a_key_is_not_sent_in_clear_text_or_to_nonsense(given: str) -> None:
    with pytest.raises(BadRequest):
        check_server(given)


def test_frames_are_read_from_pieces_of_any_size() -> None:
    raw = 'event: event\r\nid: 3\r\ndata: {"a":\r\ndata: "é"}\r\n\r\n: comment\n\nevent: ping\ndata: {}\n\n'.encode()
    expected = [SseFrame("event", "3", '{"a":\n"é"}'), SseFrame("ping", "", "{}")]
    for length in (1, 2, 7, len(raw)):
        parser = SseParser()
        pieces = [raw[start : start + length] for start in range(0, len(raw), length)]
        assert [frame for piece in pieces for frame in parser.feed(piece)] == expected
