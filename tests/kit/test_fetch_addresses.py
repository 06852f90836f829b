"""Which addresses are public."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.kit.fetch.addresses import Pinned, is_disguised_number, is_public

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "2606:4700::1%eth0", "not an address", "",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "223.255.255.255",
          "2606:4700:4700::1111", "2a00:1450:4001::1"]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_special_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_plain_unicast_address_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_public(address: object) -> None:
    parsed = ip_address(str(address))
    if parsed.is_private or parsed.is_multicast or parsed.is_reserved or parsed.is_link_local or parsed.is_loopback:
        assert not is_public(parsed)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "1.2.3.4.5", "a.0x10", "127.0.0.1."]
)
def test_a_number_in_disguise_is_seen(host: str) -> None:
    assert is_disguised_number(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "example.org", "1password.com", "0x7f.example.org", "a1", "7.example"]
)
def test_a_name_or_plain_address_is_no_disguise(host: str) -> None:
    assert not is_disguised_number(host)


async def test_the_pinned_resolver_knows_one_host_only() -> None:
    pinned = Pinned("example.org", [ip_address("1.1.1.1"), ip_address("2606:4700::1")])
    assert [found["host"] for found in await pinned.resolve("example.org", 443)] == ["1.1.1.1", "2606:4700::1"]
    with pytest.raises(OSError, match="not checked"):
        await pinned.resolve("other.org", 443)
