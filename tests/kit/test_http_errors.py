"""Errors on the wire: RFC 9457, in the reader's language, never a stack trace."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from mecum.kit.errors import NotFound, TooMany, Unavailable
from mecum.kit.http import install_errors
from mecum.kit.i18n import I18n


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_errors(app)
    app.state.i18n = I18n()

    @app.get("/missing")
    async def missing() -> None:
        raise NotFound

    @app.get("/busy")
    async def busy() -> None:
        raise TooMany(detail="Wait.", retry_after=1.6)

    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError("secret of the house")

    @app.get("/invitations/{secret}")
    async def invitation(secret: str) -> None:
        raise ZeroDivisionError if secret == "broken-token" else Unavailable

    @app.get("/number")
    async def number(n: int) -> int:
        return n

    return TestClient(app, raise_server_exceptions=False)


def test_an_error_is_a_problem_document_with_our_code(client: TestClient) -> None:
    answer = client.get("/missing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert answer.json()["type"] == "urn:mecum:error:not_found"


def test_an_error_is_worded_in_the_language_of_the_request(client: TestClient) -> None:
    assert (
        client.get("/missing", headers={"accept-language": "zh-CN,en;q=0.5"}).json()["detail"] == "不存在，或不属于你。"
    )
    assert client.get("/missing").json()["detail"] == "It is not there, or it is not yours."


def test_waiting_times_become_a_header(client: TestClient) -> None:
    assert client.get("/busy").headers["retry-after"] == "2"


def test_an_unexpected_error_tells_nothing_of_the_inside(client: TestClient) -> None:
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["code"] == "internal"


def test_a_value_of_the_wrong_type_says_where(client: TestClient) -> None:
    answer = client.get("/number", params={"n": "x"})
    assert answer.status_code == 400
    assert answer.json()["params"] == {"where": "query.n"}


def test_a_route_that_does_not_exist_is_a_problem_too(client: TestClient) -> None:
    assert client.get("/nowhere").json()["code"] == "http_404"


def test_the_log_names_the_route_and_not_what_was_asked_for(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    for secret in ("broken-token", "other-token"):
        assert client.get(f"/invitations/{secret}").status_code >= 500
    messages = [record.getMessage() for record in caplog.records if record.name == "mecum.kit.http"]
    assert messages == ["unexpected error on /invitations/{secret}", "unavailable on /invitations/{secret}"]
