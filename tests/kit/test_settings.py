"""Settings: defaults, environment, overrides, and errors that name what is wrong."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from mecum.kit.errors import StartError
from mecum.kit.places import default_data
from mecum.kit.settings import KitSettings, is_loopback, load, parse_private_origins, unknown_names


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KitSettings.model_fields:
        monkeypatch.delenv(f"MECUM_{name.upper()}", raising=False)


def test_every_setting_has_a_one_line_reason_and_a_default() -> None:
    for name, field in KitSettings.model_fields.items():
        assert field.description and "\n" not in field.description, name
        assert not field.is_required(), name


def test_defaults_work_without_any_environment() -> None:
    settings = load(KitSettings)
    assert settings.data == default_data().expanduser()
    assert settings.address == "http://localhost:8080"
    assert settings.allow_network


def test_an_option_wins_over_the_environment_and_the_environment_over_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MECUM_PORT", "9000")
    assert load(KitSettings, port=None).port == 9000
    assert load(KitSettings, port=9001).port == 9001


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECUM_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1")
    monkeypatch.setenv(
        "MECUM_PRIVATE_ORIGINS", "page:http://Localhost:3930,apps:https://10.0.0.5,page:http://[::1]:81/"
    )
    settings = load(KitSettings)
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"))
    assert settings.private_origins == {
        "page": frozenset({"http://localhost:3930", "http://[::1]:81"}),
        "apps": frozenset({"https://10.0.0.5:443"}),
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"port": "70000"}, "MECUM_PORT"),
        ({"public_url": "http://mecum.example.org"}, "https://"),
        ({"public_url": "https://mecum.example.org/path"}, "scheme, host and port"),
        ({"public_url": "mecum.example.org"}, "MECUM_PUBLIC_URL"),
        ({"tls_cert": "/a"}, "belong together"),
        ({"smtp_url": "smtp://localhost"}, "MECUM_MAIL_FROM"),
        ({"smtp_url": "mail.example.org", "mail_from": "a@b"}, "smtps://"),
        ({"mail_from": "Mecum"}, "MECUM_MAIL_FROM"),
        ({"database_direct_url": "postgresql://x/y"}, "MECUM_DATABASE_URL"),
        ({"database_url": "mysql://x/y"}, "postgresql://"),
        ({"role": "worker"}, "MECUM_VALKEY_URL"),
        ({"role": "boss"}, "MECUM_ROLE"),
        ({"trusted_proxies": "my-proxy"}, "MECUM_TRUSTED_PROXIES"),
        ({"private_origins": "http://localhost"}, "purpose:scheme://host:port"),
        ({"private_origins": "page:http://localhost/a"}, "purpose:scheme://host:port"),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_the_setting_and_the_reason(
    values: dict[str, str], said: str
) -> None:
    with pytest.raises(StartError) as caught:
        load(KitSettings, **values)
    assert said in caught.value.detail


def test_a_secret_is_shown_neither_in_errors_nor_when_printed() -> None:
    with pytest.raises(StartError) as caught:
        load(KitSettings, database_url="mysql://user:hunter2@host/db")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(load(KitSettings, database_url="postgresql://user:hunter2@host/db"))


def test_a_misspelt_variable_is_found() -> None:
    class Room(BaseSettings):
        colour: str = "teal"

    names = {"MECUM_PORT": "1", "MECUM_COLOUR": "red", "MECUM_PROT": "1", "HOME": "/"}
    assert unknown_names([KitSettings, Room], names) == ("MECUM_PROT",)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("a.localhost", True), ("127.8.0.1", True), ("::1", True), ("10.0.0.1", False)],
)
def test_loopback_is_recognised(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_no_private_origin_means_none() -> None:
    assert parse_private_origins(" , ") == {}


@pytest.mark.parametrize(("user", "place"), [(0, "/var/lib/mecum"), (1000, "~/.local/share/mecum")])
def test_root_keeps_its_data_where_the_database_can_reach_it(
    monkeypatch: pytest.MonkeyPatch, user: int, place: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert default_data() == Path(place)
