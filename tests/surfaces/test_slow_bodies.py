"""Bodies that fall silent, at the doors of a whole house."""

from __future__ import annotations

import socket
from collections.abc import Generator
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.living_house import House, fresh_database, living_house

WITHIN_S = 15


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with (
        fresh_database(pg_url, template) as url,
        living_house(url, settings={"MECUM_BODY_IDLE_SECONDS": "0.4"}) as house,
    ):
        yield house


def half_sent(house: House, path: str, kind: str, begun: bytes) -> str:
    """All that the house says to a request whose body stops in the middle, until it closes the connection."""
    head = [
        f"POST {path} HTTP/1.1",
        "host: localhost",
        f"authorization: Bearer {house.key()}",
        f"content-type: {kind}",
        "content-length: 1000",
    ]
    with socket.create_connection(("127.0.0.1", urlsplit(house.url).port or 0), timeout=WITHIN_S) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + begun)
        said = b""
        while more := connection.recv(4096):
            said += more
    return said.decode()


@pytest.mark.parametrize(
    ("path", "kind", "begun"),
    [
        ("/api/messages", "application/json", b'{"text": "'),
        ("/api/attachments", "multipart/form-data; boundary=b", b"--b\r\n"),
        ("/v1/chat/completions", "application/json", b'{"model": "fake"'),
        ("/v1/responses", "application/json", b'{"model": "mecum"'),
    ],
)
def test_a_request_that_stops_in_the_middle_is_told_so_and_its_connection_is_closed(
    house: House, path: str, kind: str, begun: bytes
) -> None:
    said = half_sent(house, path, kind, begun)
    head, _, body = said.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 408")
    assert "connection: close" in head.lower()
    assert '"code":"body_too_slow"' in body.replace(": ", ":")


def test_it_is_counted_as_what_it_was(house: House) -> None:
    half_sent(house, "/api/messages", "application/json", b"{")
    shown = httpx2.get(f"{house.url}/metrics", trust_env=False).text
    assert 'mecum_http_requests_total{method="POST",route="/api/messages",status="408"}' in shown
