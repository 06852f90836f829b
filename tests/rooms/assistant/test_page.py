"""Reading web pages: as their servers wrote them, and never at the cost of everybody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from mecum.bindings import Documents
from mecum.engines.documents.settings import DocumentSettings
from mecum.kit.errors import Unprocessable
from mecum.kit.fetch import Fetcher
from mecum.kit.tools import ToolCall
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.tools.page import page_tool
from tests.rooms.assistant.world import principal

pytestmark = pytest.mark.anyio

CHINESE = "今天天气很好，我们去公园散步，看见湖边有许多白鹭。"
JAPANESE = "今日は天気がいいので、公園を散歩して、湖のほとりで白鷺を見ました。"
FRENCH = "Les élèves étaient déjà très fatigués à l’arrivée, près de la forêt."
PARAGRAPHS = 12


def html(words: str, head: str = "") -> str:
    return f"<html><head>{head}<title>T</title></head><body><article>{f'<p>{words}</p>' * PARAGRAPHS}</article></body>"


PAGES: dict[str, tuple[bytes, str, str]] = {
    "header-gbk": (html(CHINESE).encode("gbk"), "text/html; charset=gb2312", CHINESE),
    "meta-gbk": (html(CHINESE, '<meta charset="gbk">').encode("gbk"), "text/html", CHINESE),
    "header-sjis": (html(JAPANESE).encode("cp932"), "text/html;charset=Shift_JIS", JAPANESE),
    "meta-http-equiv": (
        html(JAPANESE, '<meta http-equiv="Content-Type" content="text/html; charset=euc-jp">').encode("euc_jp"),
        "text/html",
        JAPANESE,
    ),
    "latin-1": (html(FRENCH).encode("cp1252"), 'text/html; charset="iso-8859-1"', FRENCH),
    "nothing-said": (html(FRENCH).encode("cp1252"), "text/html", FRENCH),
    "utf-8": (html(CHINESE).encode(), "text/html", CHINESE),
    "plain": (FRENCH.encode("cp1252"), "text/plain; charset=windows-1252", FRENCH),
    "a-lie": (html(CHINESE).encode("gbk"), "text/html; charset=utf-8", CHINESE),
    "an-odd-name": (html(FRENCH).encode("cp1252"), "text/html; charset=zlib", FRENCH),
}
LONG = "x" * 2_000
ENDLESS = "<html><body>" + "<div><div><a href=/x>link</a> text is here</div></div>" * 45_000 + "</body></html>"


async def answer(request: web.Request) -> web.Response:
    name = request.path.removeprefix("/")
    if name == "endless":
        return web.Response(text=ENDLESS, content_type="text/html")
    if name == "long":
        return web.Response(text=LONG)
    if name == "missing":
        return web.Response(status=404, text=html("This page is gone, and these words are not its content."))
    body, media_type, _ = PAGES[name]
    return web.Response(body=body, headers={"content-type": media_type})


@pytest.fixture
async def site() -> AsyncGenerator[str]:
    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


async def read(site: str, path: str, **settings: Any) -> str:
    fetch = Fetcher({"page": frozenset((site,))}, allow_network=False)
    tool = page_tool(fetch, Documents(DocumentSettings()), AssistantSettings(**settings))
    call = ToolCall(principal(), {"url": f"{site}/{path}"}, uuid4(), uuid4(), uuid4())
    return (await tool.call(call)).text


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_read_in_the_encoding_of_its_server(site: str, name: str) -> None:
    text = await read(site, name)
    assert PAGES[name][2] in text and "\ufffd" not in text


async def test_a_page_that_is_not_there_is_an_error_and_no_content(site: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        await read(site, "missing")
    assert caught.value.code == "assistant.page_refused" and caught.value.params == {"status": 404}


async def test_a_page_that_takes_too_long_is_given_up_while_the_server_goes_on(site: str) -> None:
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    other = asyncio.create_task(turning())
    with pytest.raises(Unprocessable) as caught:
        await read(site, "endless", page_read_seconds=1)
    other.cancel()
    assert caught.value.code == "assistant.page_too_long"
    assert turns > 20


async def test_a_long_page_is_cut_at_the_limit_of_the_settings(site: str) -> None:
    assert (await read(site, "long", page_chars_max=600)).endswith(f"{'x' * 600}\n[… cut after 600 characters]")
    assert (await read(site, "long", page_chars_max=2_000)).endswith("x" * 2_000)
