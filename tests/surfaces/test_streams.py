"""Streams that stay open: what reaches a surface while it looks on."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.support.fake_replies import command
from tests.support.listening import listening_with_key
from tests.support.living_house import MEMBER, House, fresh_database, living_house


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        yield running


def test_the_bell_rings_on_a_surface_that_is_open(house: House) -> None:
    key = house.key(person=MEMBER)
    with listening_with_key(house.url, "/api/me/stream", key) as frames:
        assert frames.next("notification") == {"unread": 0}
        house.post("/api/background", {"text": f"Sort the photos. {command(text='Done.')}"}, key=key)
        assert frames.next("notification") == {"unread": 1}
        house.post("/api/notifications/read", {"all": True}, key=key)
        assert frames.next("notification") == {"unread": 0}
