"""The archive of a person, as the whole house writes it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Generator

import pytest

from tests.support.living_house import MEMBER, House, fresh_database, living_house
from tests.surfaces.things import CANARY, Things


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        yield running


def test_what_the_bell_told_stands_in_the_archive_once(house: House) -> None:
    things = Things(house, MEMBER)
    assert things.notification
    answer = house.request("GET", things.post("/api/me/export")["url"], key=house.key(person=things.email))
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    told = [name for name in archive.namelist() if "notification" in name and CANARY.encode() in archive.read(name)]
    assert told == ["people/notifications.json"]
