"""What only the entity has: a stored response is a thread on every surface, and a request that is repeated is one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from mecum.kit.types import Scope
from tests.support.fake_replies import command
from tests.support.living_house import MEMBER, House


def api_threads(house: House) -> dict[str, Any]:
    """Threads that came through the API, by title."""
    return {thread["title"]: thread for thread in house.get("/api/threads?origin=api&limit=200")["items"]}


def test_a_stored_response_is_a_thread_that_the_web_client_shows(client: OpenAI, house: House) -> None:
    told = command(text="A heron.")
    made = client.responses.create(model="mecum", input=f"Which bird stands still? {told}")
    thread = next(each for title, each in api_threads(house).items() if title.startswith("Which bird stands still?"))
    assert (thread["origin"], thread["state"], thread["temporary"]) == ("api", "idle", False)
    log = house.log(thread["id"])
    assert [e["payload"]["text"] for e in log if e["type"] == "message.assistant"] == ["A heron."]
    assert f"resp_{log[-1]['run'].removeprefix('run_')}" == made.id
    assert thread["id"] not in [each["id"] for each in house.get("/api/threads?origin=chat&limit=200")["items"]]


def test_a_conversation_of_responses_is_one_thread(client: OpenAI, house: House) -> None:
    first = client.responses.create(model="mecum", input="First of one thread")
    client.responses.create(model="mecum", input="Second of one thread", previous_response_id=first.id)
    (thread,) = [each for title, each in api_threads(house).items() if "of one thread" in title]
    said = [e["payload"]["text"] for e in house.log(thread["id"]) if e["type"] == "message.user"]
    assert said == ["First of one thread", "Second of one thread"]


def test_a_person_can_go_on_with_it_in_another_surface(client: OpenAI, house: House) -> None:
    made = client.responses.create(model="mecum", input="Begun by a program")
    thread = api_threads(house)["Begun by a program"]
    told = command(text="Finished by a person.")
    house.post(f"/api/threads/{thread['id']}/messages", {"client_id": "by-hand-1", "text": f"Go on {told}"})
    log = house.until_idle(thread["id"])
    assert log[-2]["payload"]["text"] == "Finished by a person."
    assert client.responses.retrieve(made.id).status == "completed"


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_is_not_stored_leaves_no_thread_in_the_list(client: OpenAI, house: House, api: str) -> None:
    if api == "chat":
        client.chat.completions.create(model="mecum", messages=[{"role": "user", "content": "Keep no chat"}])
    else:
        client.responses.create(model="mecum", input="Keep no response", store=False)
    assert not [title for title in api_threads(house) if title.startswith("Keep no")]


def test_a_stored_chat_completion_is_a_thread_as_well(client: OpenAI, house: House) -> None:
    asked: Any = [{"role": "user", "content": "Keep this chat"}]
    client.chat.completions.create(model="mecum", messages=asked, store=True)
    assert api_threads(house)["Keep this chat"]["origin"] == "api"


def test_the_relay_makes_no_thread(client: OpenAI, house: House) -> None:
    client.responses.create(model="fake", input="Relayed only", store=True)
    assert "Relayed only" not in api_threads(house)


def test_a_deleted_response_takes_its_thread_out_of_the_list(client: OpenAI, house: House) -> None:
    made = client.responses.create(model="mecum", input="Soon deleted")
    thread = api_threads(house)["Soon deleted"]
    client.responses.delete(made.id)
    assert "Soon deleted" not in api_threads(house)
    assert house.request("GET", f"/api/threads/{thread['id']}").status_code == 410
    house.post(f"/api/threads/{thread['id']}/restore")
    assert client.responses.retrieve(made.id).status == "completed"


def test_a_request_repeated_with_its_idempotency_key_is_answered_once(client: OpenAI, house: House) -> None:
    def ask(key: str) -> str:
        header = {"Idempotency-Key": key}
        return client.responses.create(model="mecum", input="Ask me once", extra_headers=header).id

    assert len({ask("once-1"), ask("once-1"), ask("once-1")}) == 1
    assert ask("once-2") != ask("once-1")
    titles = Counter(each["title"] for each in house.get("/api/threads?origin=api&limit=200")["items"])
    assert titles["Ask me once"] == 2


def test_keys_that_differ_only_at_their_end_are_two_keys(client: OpenAI) -> None:
    long = "k" * 300
    ids = {
        client.responses.create(model="mecum", input="Hi", extra_headers={"Idempotency-Key": long + end}).id
        for end in "12"
    }
    assert len(ids) == 2


def test_a_key_that_comes_again_with_another_request_is_a_conflict(client: OpenAI) -> None:
    header = {"Idempotency-Key": "one key, two requests"}
    client.responses.create(model="mecum", input="The first", extra_headers=header)
    with pytest.raises(openai.ConflictError) as raised:
        client.responses.create(model="mecum", input="The second", extra_headers=header)
    assert raised.value.code == "openai.idempotency_key_used"
    asked: Any = [{"role": "user", "content": "The first"}]
    with pytest.raises(openai.ConflictError):
        client.chat.completions.create(model="mecum", messages=asked, extra_headers=header)


def test_a_repeated_request_may_be_streamed_and_says_the_same(client: OpenAI) -> None:
    told = command(text="Said once.")
    header = {"Idempotency-Key": "streamed-1"}
    asked: Any = {"model": "mecum", "messages": [{"role": "user", "content": f"Hi {told}"}], "extra_headers": header}
    first = client.chat.completions.create(**asked)
    again = list(client.chat.completions.create(**asked, stream=True))
    assert {chunk.id for chunk in again} == {first.id}
    assert "".join(chunk.choices[0].delta.content or "" for chunk in again if chunk.choices) == "Said once."


@pytest.mark.anyio
async def test_several_can_go_on_from_one_response_at_the_same_moment(async_client: AsyncOpenAI) -> None:
    first = await async_client.responses.create(model="mecum", input="The trunk")

    async def branch(number: int) -> tuple[str, str | None]:
        told = f"Branch {number} {command(text=f'Leaf {number}.')}"
        made = await async_client.responses.create(model="mecum", input=told, previous_response_id=first.id)
        return made.output_text, made.previous_response_id

    assert await asyncio.gather(*(branch(n) for n in range(4))) == [(f"Leaf {n}.", first.id) for n in range(4)]


@pytest.mark.anyio
async def test_requests_with_one_key_at_the_same_moment_are_one(async_client: AsyncOpenAI, house: House) -> None:
    header = {"Idempotency-Key": "at-once"}
    made = await asyncio.gather(
        *(async_client.responses.create(model="mecum", input="All at once", extra_headers=header) for _ in range(6))
    )
    assert len({response.id for response in made}) == 1


def test_the_same_idempotency_key_of_another_person_is_another_request(client: OpenAI, house: House) -> None:
    header = {"Idempotency-Key": "shared-word"}
    mine = client.responses.create(model="mecum", input="Mine alone", extra_headers=header)
    with OpenAI(base_url=f"{house.url}/v1", api_key=house.key(person=MEMBER), max_retries=0) as other:
        theirs = other.responses.create(model="mecum", input="Theirs", extra_headers=header)
        assert theirs.id != mine.id
        for call in (other.responses.retrieve, other.responses.delete, other.responses.cancel):
            with pytest.raises(openai.NotFoundError):
                call(mine.id)
        with pytest.raises(openai.NotFoundError):
            other.responses.create(model="mecum", input="And?", previous_response_id=mine.id)


def test_a_tool_of_its_own_is_used_without_the_caller_seeing_a_call(client: OpenAI) -> None:
    told = command(tools=[("calculator", '{"expression":"6*7"}')], text="It is 42.")
    asked: Any = [{"role": "user", "content": f"Six times seven? {told}"}]
    choice = client.chat.completions.create(model="mecum", messages=asked).choices[0]
    assert (choice.message.content, choice.finish_reason, choice.message.tool_calls) == ("It is 42.", "stop", None)


def with_key(house: House, *scopes: Scope) -> OpenAI:
    return OpenAI(base_url=f"{house.url}/v1", api_key=house.key(*scopes), max_retries=0, timeout=20)


def test_what_was_asked_on_another_surface_is_no_response(house: House) -> None:
    posted = house.post("/api/messages", {"client_id": "asked-in-the-web", "text": "My diary of today"})
    house.until_idle(posted["thread"])
    its_run = f"resp_{posted['run'].removeprefix('run_')}"
    with with_key(house, "chat") as chat:
        for reach in (chat.responses.retrieve, chat.responses.cancel, chat.responses.delete):
            with pytest.raises(openai.NotFoundError):
                reach(its_run)
        with pytest.raises(openai.NotFoundError):
            chat.responses.input_items.list(its_run)
        with pytest.raises(openai.NotFoundError):
            chat.responses.create(model="mecum", input="And yesterday?", previous_response_id=its_run)
    assert house.get(f"/api/threads/{posted['thread']}")["id"] == posted["thread"]


def test_a_key_that_may_only_chat_deletes_what_is_its_own_alone(house: House) -> None:
    with with_key(house, "chat") as chat, with_key(house, "chat", "threads") as threads:
        own = chat.responses.create(model="mecum", input="Only of a program")
        chat.responses.delete(own.id)
        shared = chat.responses.create(model="mecum", input="A person goes on with it")
        thread = api_threads(house)["A person goes on with it"]
        house.post(f"/api/threads/{thread['id']}/messages", {"client_id": "goes-on-1", "text": "Indeed"})
        house.until_idle(thread["id"])
        with pytest.raises(openai.PermissionDeniedError, match="threads"):
            chat.responses.delete(shared.id)
        assert chat.responses.retrieve(shared.id).status == "completed"
        threads.responses.delete(shared.id)
        with pytest.raises(openai.NotFoundError):
            chat.responses.retrieve(shared.id)


@pytest.fixture
def choosing(house: House) -> Generator[None]:
    """Between a fast and a thinking model is chosen."""
    chosen = {"mode": "chosen", "fast": "fake-small", "thinking": "fake"}
    house.request("PUT", "/api/models/router", json=chosen).raise_for_status()
    yield
    house.request("PUT", "/api/models/router", json={"mode": "itself"}).raise_for_status()


@pytest.mark.usefixtures("choosing")
def test_an_answer_says_in_its_headers_how_it_was_made(client: OpenAI) -> None:
    chat, responses = client.chat.completions.with_raw_response, client.responses.with_raw_response
    hard = "Prove that there is no largest prime."
    told = chat.create(model="mecum", messages=[{"role": "user", "content": hard}]).headers
    assert (told["x-mecum-routed"], told["x-mecum-model"]) == ("think; why=maths", "fake")
    made = responses.create(model="mecum", input="Hello!")
    assert (made.headers["x-mecum-routed"], made.headers["x-mecum-model"]) == ("fast; why=greeting", "fake-small")
    again = responses.retrieve(made.parse().id)
    assert again.headers["x-mecum-routed"] == "fast; why=greeting"


def test_where_nothing_was_chosen_only_who_answered_is_said(client: OpenAI) -> None:
    told = client.chat.completions.with_raw_response.create(model="mecum", messages=[{"role": "user", "content": "Hi"}])
    assert told.headers["x-mecum-model"] == "fake"
    assert "x-mecum-routed" not in told.headers
