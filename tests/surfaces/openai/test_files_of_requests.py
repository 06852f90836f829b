"""Pictures of requests: kept with what is accepted, and of what is refused nothing is left that is in the way."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest
from openai import OpenAI
from sqlalchemy import text

from tests.support.fake_replies import command
from tests.support.living_house import MEMBER, House
from tests.surfaces.openai.test_chat import DOT

PICTURE = f"data:image/png;base64,{base64.b64encode(DOT).decode()}"


def asked(words: str) -> list[Any]:
    parts: list[Any] = [{"type": "text", "text": words}]
    return [{"role": "user", "content": parts + [{"type": "image_url", "image_url": {"url": PICTURE}}] * 8}]


def kept(house: House) -> tuple[int, int]:
    """How many files wait to be sent, and how many there are altogether."""

    async def count() -> tuple[int, int]:
        query = text("SELECT count(*) FILTER (WHERE thread_id IS NULL), count(*) FROM assistant.attachment")
        async with house.app.kit.db.transaction() as connection:
            loose, all_ = (await connection.execute(query)).one()
        return loose, all_

    return house.run(count())


def stored(house: House) -> int:
    async def count() -> int:
        async with house.app.kit.db.transaction() as connection:
            query = text("SELECT count(*) FROM kit.blob WHERE released_at IS NULL")
            return (await connection.execute(query)).scalar_one()

    return house.run(count())


def test_requests_that_are_refused_leave_no_files_and_do_not_stand_in_the_way_of_uploads(
    client: OpenAI, house: House
) -> None:
    before, files = kept(house), stored(house)
    for _ in range(8):
        with pytest.raises(openai.APIStatusError) as raised:
            client.chat.completions.create(model="mecum", messages=asked("x" * 300_000))
        assert raised.value.status_code == 413
    assert (kept(house), stored(house)) == (before, files)
    uploaded = house.request("POST", "/api/attachments", files={"file": ("x.txt", b"hello", "text/plain")})
    assert uploaded.status_code == 201


def test_a_request_that_is_repeated_keeps_its_pictures_once(client: OpenAI, house: House) -> None:
    before, files = kept(house), stored(house)
    for _ in range(2):
        client.chat.completions.create(
            model="mecum",
            messages=asked(f"What is this? {command(text='A dot.')}"),
            extra_headers={"Idempotency-Key": "pictures-once"},
        )
    assert kept(house) == (before[0], before[1] + 8)
    assert stored(house) == files + 8


def test_pictures_are_taken_although_many_files_wait_to_be_sent(house: House) -> None:
    key = house.key("chat", "threads", person=MEMBER)
    upload: Any = {"key": key, "files": {"file": ("x.txt", b"hello", "text/plain")}}
    while (uploaded := house.request("POST", "/api/attachments", **upload)).is_success:
        continue
    assert uploaded.json()["code"] == "assistant.too_many_loose"
    with OpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=0) as client:
        answer = client.chat.completions.create(model="mecum", messages=asked(f"And this? {command(text='Dots.')}"))
    assert answer.choices[0].message.content == "Dots."
