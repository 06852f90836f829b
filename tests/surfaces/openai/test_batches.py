"""Files and batches as OpenAI's own Python client sees them."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types import Batch

from tests.support.fake_replies import command
from tests.support.living_house import House

CHAT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")


def requests(*said: str, model: str = "fake") -> bytes:
    lines: list[dict[str, Any]] = [
        {
            "custom_id": f"line-{number}",
            "method": "POST",
            "url": CHAT,
            "body": {"model": model, "messages": [{"role": "user", "content": text}]},
        }
        for number, text in enumerate(said)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def until_ended(client: OpenAI, batch: str, within_s: float = 20) -> Batch:
    """Poll, as callers of batches do."""
    end = time.monotonic() + within_s
    while (found := client.batches.retrieve(batch)).status not in ENDED:
        assert time.monotonic() < end, f"not in time: {found}"
        time.sleep(0.05)
    return found


def test_a_batch_from_upload_to_download(client: OpenAI) -> None:
    asked = requests(command(text="first"), command(status=400), command(text="third"))
    file = client.files.create(file=("asked.jsonl", asked), purpose="batch")
    assert (file.filename, file.bytes, file.purpose, file.object) == ("asked.jsonl", len(asked), "batch", "file")
    assert client.files.content(file.id).read() == asked
    batch = client.batches.create(
        input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata={"run": "nightly"}
    )
    assert batch.id.startswith("batch_")
    ended = until_ended(client, batch.id)
    assert ended.status == "completed"
    assert ended.metadata == {"run": "nightly"}
    assert ended.request_counts
    assert (ended.request_counts.completed, ended.request_counts.failed) == (2, 1)
    assert ended.usage
    assert ended.usage.total_tokens == ended.usage.input_tokens + ended.usage.output_tokens
    assert ended.output_file_id
    assert ended.error_file_id
    lines = [json.loads(line) for line in client.files.content(ended.output_file_id).text.splitlines()]
    said = {line["custom_id"]: line["response"]["body"]["choices"][0]["message"]["content"] for line in lines}
    assert said == {"line-0": "first", "line-2": "third"}
    [refused] = [json.loads(line) for line in client.files.content(ended.error_file_id).text.splitlines()]
    assert (refused["custom_id"], refused["response"]["status_code"]) == ("line-1", 400)
    with pytest.raises(openai.ConflictError) as late:
        client.batches.cancel(batch.id)
    assert late.value.code == "models.batch_ended"
    output = client.files.retrieve(ended.output_file_id)
    assert (output.purpose, output.filename) == ("batch_output", f"{batch.id}_output.jsonl")


def test_a_file_with_wrong_lines_fails_the_batch_and_says_which(client: OpenAI) -> None:
    wrong = requests("one") * 2 + b"{no json\n" + requests("hi", model="mecum").replace(b"line-0", b"x")
    file = client.files.create(file=io.BytesIO(wrong), purpose="batch")
    ended = until_ended(client, client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h").id)
    assert ended.status == "failed"
    assert ended.failed_at
    assert ended.errors
    assert ended.errors.data
    found = [(each.line, each.code, each.param) for each in ended.errors.data]
    assert found == [
        (2, "duplicate_custom_id", "custom_id"),
        (3, "invalid_json_line", None),
        (4, "model_not_supported", "body.model"),
    ]
    assert ended.output_file_id is None


def test_files_and_batches_are_listed_page_by_page(house: House) -> None:
    key = house.new_key("models", person=house_member(house))
    with OpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=0) as client:
        files = [client.files.create(file=(f"{n}.jsonl", requests("hi")), purpose="batch").id for n in range(3)]
        assert [file.id for file in client.files.list(limit=2)] == files[::-1]
        assert [file.id for file in client.files.list(limit=2, order="asc")] == files
        assert client.files.list(limit=2).has_more
        assert not client.files.list(purpose="batch_output").data
        batches = [
            client.batches.create(input_file_id=file, endpoint=CHAT, completion_window="24h").id for file in files
        ]
        assert [batch.id for batch in client.batches.list(limit=2)] == batches[::-1]
        for batch in batches:
            until_ended(client, batch)
        assert len(client.files.list(purpose="batch_output").data) == 3
        client.files.delete(files[0])
        with pytest.raises(openai.NotFoundError) as gone:
            client.files.retrieve(files[0])
        assert gone.value.code == "models.file_unknown"


def house_member(house: House) -> str:
    email = f"batches.{time.monotonic_ns()}@example.org"
    house.add_person(email)
    return email


def test_a_batch_is_cancelled(client: OpenAI) -> None:
    slow = requests(*[command(text="slow", first_byte_ms=500)] * 30)
    file = client.files.create(file=("slow.jsonl", slow), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
    with pytest.raises(openai.ConflictError) as used:
        client.files.delete(file.id)
    assert used.value.code == "models.file_in_use"
    assert client.batches.cancel(batch.id).status == "cancelling"
    ended = until_ended(client, batch.id)
    assert (ended.status, bool(ended.cancelling_at), bool(ended.cancelled_at)) == ("cancelled", True, True)
    assert client.batches.cancel(batch.id).status == "cancelled"


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"endpoint": "/v1/moderations"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 1}}, "output_expires_after"),
    ],
)
def test_a_batch_that_is_not_described_right_is_refused(client: OpenAI, changed: Any, param: str) -> None:
    file = client.files.create(file=("asked.jsonl", requests("hi")), purpose="batch")
    right = {"input_file_id": file.id, "endpoint": CHAT, "completion_window": "24h"}
    with pytest.raises(openai.BadRequestError) as refused:
        client.batches.create(**{**right, **changed})
    assert refused.value.param == param


def test_the_output_of_a_batch_is_no_input(client: OpenAI) -> None:
    file = client.files.create(file=("asked.jsonl", requests(command(text="done"))), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id,
        endpoint=CHAT,
        completion_window="24h",
        output_expires_after={"anchor": "created_at", "seconds": 3600},
    )
    output = until_ended(client, batch.id).output_file_id
    assert output
    about = client.files.retrieve(output)
    assert about.expires_at == about.created_at + 3600
    with pytest.raises(openai.BadRequestError):
        client.batches.create(input_file_id=output, endpoint=CHAT, completion_window="24h")


def test_an_upload_says_how_long_it_is_kept_and_what_it_is_for(client: OpenAI) -> None:
    kept = client.files.create(
        file=("asked.jsonl", requests("hi")),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 7200},
    )
    assert kept.expires_at == kept.created_at + 7200
    with pytest.raises(openai.BadRequestError) as other:
        client.files.create(file=("asked.jsonl", b"x"), purpose="fine-tune")
    assert other.value.param == "purpose"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"--x\r\n", 400),
        (b"nothing of a form", 400),
        (b'--x\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--x--\r\n', 400),
        (b'--x\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n{"cut', 400),
        (b'--x\r\ncontent-disposition: form-data; name="p"\r\n\r\n' + b"y" * 5000 + b"\r\n--x--\r\n", 400),
    ],
)
def test_a_broken_form_is_refused_and_leaves_nothing(house: House, body: bytes, status: int) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x", "authorization": f"Bearer {house.key('models')}"}
    with httpx2.Client(base_url=house.url, trust_env=False) as http:
        before = len(http.get("/v1/files", headers=headers).json()["data"])
        answer = http.post("/v1/files", content=body, headers=headers)
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert len(http.get("/v1/files", headers=headers).json()["data"]) == before


def test_a_form_whose_file_comes_before_its_purpose_is_read_as_well(house: House) -> None:
    body = (
        b'--x\r\ncontent-disposition: form-data; name="file"; filename="../a.jsonl"\r\n\r\n'
        + requests("hi")
        + b'\r\n--x\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--x--\r\n'
    )
    headers = {"content-type": "multipart/form-data; boundary=x", "authorization": f"Bearer {house.key('models')}"}
    with httpx2.Client(base_url=house.url, trust_env=False) as http:
        answer = http.post("/v1/files", content=body, headers=headers)
    assert (answer.status_code, answer.json()["filename"], answer.json()["bytes"]) == (
        200,
        "a.jsonl",
        len(requests("hi")),
    )
