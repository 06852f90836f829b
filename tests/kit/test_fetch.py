"""Fetching untrusted addresses: against a real server on loopback, and against whoever tries to get in."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from mecum.kit.errors import BadRequest, Forbidden, MecumError, TooLarge, Unavailable, Unprocessable
from mecum.kit.fetch import Fetched, Fetcher
from tests.support.certificates import contexts

BOMB_BYTES = 200_000_000


@dataclass
class Site:
    """A server on loopback that counts who came."""

    port: int = 0
    visits: list[str] = field(default_factory=list[str])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"


async def answer(site: Site, request: web.Request) -> web.StreamResponse:
    site.visits.append(request.path)
    site.headers.append({name.lower(): value for name, value in request.headers.items()})
    match request.path:
        case "/hello":
            return web.Response(text="hello", content_type="text/plain", charset="utf-8")
        case "/missing":
            return web.Response(status=404, text="no")
        case "/image":
            return web.Response(body=b"\x89PNG", content_type="image/png")
        case "/zipped":
            return _encoded(zlib.compress(b"hello " * 1000), "deflate")
        case "/gzipped":
            packer = zlib.compressobj(wbits=31)
            return _encoded(packer.compress(b"hello") + packer.flush(), "gzip")
        case "/bomb":
            return _encoded(_bomb(), "gzip")
        case "/damaged":
            return _encoded(b"this is no gzip", "gzip")
        case "/brotli":
            return _encoded(b"\x0b\x02\x80hello\x03", "br")
        case "/endless" | "/slow":
            return await _endless(site, request)
        case "/to":
            return web.Response(status=302, headers={"location": request.query["url"]})
        case "/round":
            return web.Response(status=307, headers={"location": "/round"})
        case _:
            return web.Response(status=302, headers={"location": "/hello"})


def _encoded(body: bytes, encoding: str) -> web.Response:
    return web.Response(body=body, headers={"content-encoding": encoding, "content-type": "text/plain"})


def _bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1_000_000)
    return b"".join(packer.compress(zeros) for _ in range(BOMB_BYTES // len(zeros))) + packer.flush()


async def _endless(site: Site, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/plain"})
    await response.prepare(request)
    if request.path == "/slow":
        await response.write(b"a")
        await site.released.wait()
    try:
        while True:
            await response.write(bytes(65536))
    except ConnectionError:
        return response


@pytest.fixture
async def site() -> AsyncGenerator[Site]:
    here = Site()

    async def handle(request: web.Request) -> web.StreamResponse:
        return await answer(here, request)

    app = web.Application()
    app.router.add_get("/{rest:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    here.port = runner.addresses[0][1]
    yield here
    here.released.set()
    await runner.cleanup()


async def nowhere(host: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{host} must not be looked up")


async def fetch(
    fetcher: Fetcher, url: str, *, max_bytes: int = 100_000, timeout_s: float = 20, accept: Sequence[str] = ("*/*",)
) -> Fetched:
    return await fetcher.fetch_untrusted(url, purpose="page", max_bytes=max_bytes, timeout_s=timeout_s, accept=accept)


def trusting(site: Site) -> Fetcher:
    return Fetcher({"page": frozenset({site.origin})}, allow_network=False)


async def refused(fetcher: Fetcher, url: str, error: type[MecumError], code: str) -> None:
    with pytest.raises(error) as caught:
        await fetch(fetcher, url)
    assert caught.value.code == code


async def test_an_excepted_origin_is_fetched(site: Site) -> None:
    got = await fetch(trusting(site), f"{site.origin}/hello?a=b#part")
    assert (got.status, got.media_type, got.body) == (200, "text/plain", b"hello")
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    assert got.url == f"{site.origin}/hello?a=b"


async def test_a_request_tells_nothing_about_the_person(site: Site) -> None:
    await fetch(trusting(site), f"{site.origin}/hello")
    assert set(site.headers[0]) == {"host", "accept", "accept-encoding", "user-agent", "connection"}


async def test_an_error_page_is_given_back_with_its_status(site: Site) -> None:
    got = await fetch(trusting(site), f"{site.origin}/missing", accept=("image/png",))
    assert (got.status, got.body) == (404, b"no")


async def test_an_exception_holds_for_its_purpose_only(site: Site) -> None:
    fetcher = Fetcher({"apps": frozenset({site.origin})}, allow_network=True)
    await refused(fetcher, f"{site.origin}/hello", BadRequest, "fetch.url_refused")
    assert site.visits == []


async def test_an_exception_holds_for_its_exact_origin_only(site: Site) -> None:
    fetcher = Fetcher({"page": frozenset({f"http://localhost:{site.port + 1}", f"https://localhost:{site.port}"})})
    await refused(fetcher, f"{site.origin}/hello", BadRequest, "fetch.url_refused")
    assert site.visits == []


async def test_without_network_nothing_is_even_looked_up() -> None:
    fetcher = Fetcher({"page": frozenset({"https://example.org:8443"})}, allow_network=False, resolve=nowhere)
    await refused(fetcher, "https://example.org/", Forbidden, "fetch.network_off")
    await refused(fetcher, "https://1.1.1.1/", Forbidden, "fetch.network_off")


async def test_without_network_an_exception_beyond_this_machine_is_refused() -> None:
    async def public(host: str, port: int) -> Sequence[str]:
        return ["1.1.1.1", "10.0.0.1"]

    fetcher = Fetcher({"page": frozenset({"https://example.org:8443"})}, allow_network=False, resolve=public)
    await refused(fetcher, "https://example.org:8443/", Forbidden, "fetch.private_address")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::127.0.0.1]",
    ],
)  # fmt: skip
async def test_a_private_address_is_refused(host: str) -> None:
    await refused(Fetcher(resolve=nowhere), f"https://{host}/", Forbidden, "fetch.private_address")


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "0", "017700000001", "127.0.0.1."]
)
async def test_an_address_in_disguise_is_refused(host: str) -> None:
    with pytest.raises(MecumError) as caught:
        await fetch(Fetcher(resolve=nowhere), f"https://{host}/")
    assert caught.value.code in ("fetch.url_refused", "fetch.url_malformed")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.1.1", "::1", "::ffff:10.0.0.1", "fe80::1%lo", "169.254.169.254"]
)
async def test_a_name_that_leads_to_a_private_address_is_refused(site: Site, address: str) -> None:
    async def lead(host: str, port: int) -> Sequence[str]:
        return [address]

    await refused(Fetcher(resolve=lead), "https://innocent.example/", Forbidden, "fetch.private_address")
    assert site.visits == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.org/", "fetch.url_refused"),
        ("https://example.org:8443/", "fetch.url_refused"),
        ("https://example.org:22/", "fetch.url_refused"),
        ("https://user:password@example.org/", "fetch.url_refused"),
        ("https://example.org@127.0.0.1/", "fetch.url_refused"),
        ("https://@example.org/", "fetch.url_refused"),
        ("https://example.org\\@127.0.0.1/", "fetch.url_malformed"),
        ("https://example.org /", "fetch.url_malformed"),
        ("https://example.org/\r\nHost: x", "fetch.url_malformed"),
        ("file:///etc/passwd", "fetch.url_malformed"),
        ("ftp://example.org/", "fetch.url_malformed"),
        ("gopher://127.0.0.1:6379/_INFO", "fetch.url_malformed"),
        ("//example.org/", "fetch.url_malformed"),
        ("https://", "fetch.url_malformed"),
        ("https:///path", "fetch.url_malformed"),
        ("https://example.org:99999/", "fetch.url_malformed"),
        ("https://[::1/", "fetch.url_malformed"),
        ("https://example.org/" + "a" * 5000, "fetch.url_malformed"),
        ("", "fetch.url_malformed"),
    ],
)
async def test_a_url_that_is_no_plain_https_address_is_refused(url: str, code: str) -> None:
    await refused(Fetcher(resolve=nowhere), url, BadRequest, code)


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://127.0.0.1/", "fetch.url_refused"),
        ("https://127.0.0.1/", "fetch.private_address"),
        ("https://[::1]/", "fetch.private_address"),
        ("https://2130706433/", "fetch.url_refused"),
        ("//169.254.169.254/latest/meta-data", "fetch.url_refused"),
        ("https://user@example.org/", "fetch.url_refused"),
        ("file:///etc/passwd", "fetch.url_malformed"),
    ],
)
async def test_a_redirect_is_checked_like_the_first_address(site: Site, location: str, code: str) -> None:
    fetcher = Fetcher({"page": frozenset({site.origin})}, allow_network=True)
    with pytest.raises(MecumError) as caught:
        await fetch(fetcher, f"{site.origin}/to?url={location}")
    assert caught.value.code == code
    assert site.visits == ["/to"]


async def test_a_redirect_on_the_same_origin_is_followed(site: Site) -> None:
    got = await fetch(trusting(site), f"{site.origin}/leads-on")
    assert (got.url, got.body) == (f"{site.origin}/hello", b"hello")


async def test_redirects_without_end_are_given_up(site: Site) -> None:
    await refused(trusting(site), f"{site.origin}/round", Unprocessable, "fetch.too_many_redirects")
    assert len(site.visits) == 6


async def test_the_connection_goes_to_the_address_that_was_checked_though_the_name_changes(site: Site) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    fetcher = Fetcher({"page": frozenset({f"http://rebind.test:{site.port}"})}, allow_network=False, resolve=rebinding)
    assert (await fetch(fetcher, f"http://rebind.test:{site.port}/hello")).body == b"hello"
    assert asked == ["rebind.test"]


async def test_a_body_without_end_is_cut_off(site: Site) -> None:
    with pytest.raises(TooLarge) as caught:
        await fetch(trusting(site), f"{site.origin}/endless", max_bytes=1_000_000)
    assert caught.value.params == {"limit_bytes": 1_000_000}


async def test_a_body_that_comes_too_slowly_is_given_up(site: Site) -> None:
    with pytest.raises(Unavailable) as caught:
        await fetch(trusting(site), f"{site.origin}/slow", timeout_s=0.3)
    assert caught.value.code == "fetch.timeout"


@pytest.mark.parametrize(("path", "body"), [("/zipped", b"hello " * 1000), ("/gzipped", b"hello")])
async def test_a_compressed_body_is_unpacked(site: Site, path: str, body: bytes) -> None:
    assert (await fetch(trusting(site), site.origin + path)).body == body


async def test_a_decompression_bomb_is_cut_off(site: Site) -> None:
    await refused(trusting(site), f"{site.origin}/bomb", TooLarge, "fetch.too_large")
    with pytest.raises(TooLarge):
        await fetch(trusting(site), f"{site.origin}/bomb", max_bytes=10_000_000)


@pytest.mark.parametrize("path", ["/damaged", "/brotli"])
async def test_what_can_not_be_decoded_is_a_clear_error(site: Site, path: str) -> None:
    await refused(trusting(site), site.origin + path, Unavailable, "fetch.undecodable")


async def test_a_media_type_of_no_use_is_refused(site: Site) -> None:
    with pytest.raises(Unprocessable) as caught:
        await fetch(trusting(site), f"{site.origin}/image", accept=("text/html", "text/*"))
    assert caught.value.code == "fetch.wrong_type"
    assert (await fetch(trusting(site), f"{site.origin}/image", accept=("image/*",))).body == b"\x89PNG"


async def test_a_name_that_does_not_exist_is_unreachable() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such host")

    await refused(Fetcher(resolve=unknown), "https://nowhere.example/", Unavailable, "fetch.unreachable")


async def test_a_closed_port_is_unreachable(unused_port: int) -> None:
    origin = f"http://127.0.0.1:{unused_port}"
    await refused(Fetcher({"page": frozenset({origin})}), f"{origin}/", Unavailable, "fetch.unreachable")


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_a_certificate_of_somebody_else_is_refused(tmp_path: Path) -> None:
    server, client = contexts(tmp_path, "right.test")

    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server).start()
    port = runner.addresses[0][1]
    origins = frozenset({f"https://right.test:{port}", f"https://wrong.test:{port}"})
    trusted = Fetcher({"page": origins}, resolve=here, ssl_context=client)
    assert (await fetch(trusted, f"https://right.test:{port}/")).body == b"hello"
    await refused(trusted, f"https://wrong.test:{port}/", Unavailable, "fetch.unreachable")
    await refused(
        Fetcher({"page": origins}, resolve=here), f"https://right.test:{port}/", Unavailable, "fetch.unreachable"
    )
    await runner.cleanup()


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")
