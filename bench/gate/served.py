"""The same through a real server: keys of several tenants, and a provider that is as slow as the engine.

Keys are programs, so all of them are of one band here: what is seen is the fair queue and the limit, not the bands.
The load is a small one in real time, first without the neighbour and then with, each with a server of its own; and
with the neighbour once more straight at the provider.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import aiohttp

from bench.chat import house, run
from bench.gate.figures import Figures, figures
from bench.gate.load import Request, Scene
from bench.gate.replay import Ran
from bench.report import Row
from bench.start import data_directory, environment
from mecum.rooms.models.tokens import CHARS_PER_TOKEN

SCENE = Scene(seconds=48.0, rate=0.25, noisy=12.0, bulk=0)
TENANTS = 4
PATH = "/v1/chat/completions"
STILL_THERE_S = 75.0


def served() -> list[Row]:
    """Rows; the provider and the server are processes of their own."""
    calm = _through_a_server(replace(SCENE, noisy=0.0))
    noisy = _through_a_server(SCENE)
    straight = _straight(SCENE)
    begins, ends = SCENE.noise
    return [
        Row(
            "calls of 4 tenants",
            len([each for each in _requests(SCENE) if each.kind != "noisy"]),
            "",
            note=f"in {SCENE.seconds:.0f} s; the neighbour: {SCENE.noisy:.0f} a second, {begins:.0f} to {ends:.0f} s",
        ),
        Row(
            "the gate: calls of the tenants rejected",
            noisy.rejected,
            "",
            0,
            note=f"{noisy.noisy_rejected:,} of the neighbour",
        ),
        Row(
            "the gate: first token for the tenants, p95",
            noisy.first_p95["program"],
            "s",
            note=f"{calm.first_p95['program']:.2f} s without the neighbour, who is of the same band",
        ),
        Row("the gate: goodput", noisy.goodput, "tokens/s", note=f"{calm.goodput:,.0f} without the neighbour"),
        Row("the gate: Jain's index", noisy.jain, ""),
        Row("straight at the provider: first token for the tenants, p95", straight.first_p95["program"], "s"),
        Row("straight at the provider: goodput", straight.goodput, "tokens/s"),
    ]


def _requests(scene: Scene) -> list[Request]:
    """Of programs alone, of few tenants."""
    found = scene.requests(None)
    for number, each in enumerate(found):
        if each.kind != "noisy":
            each.kind, each.tenant = "program", f"tenant{number % TENANTS}"
    return found


def _through_a_server(scene: Scene) -> Figures:
    with data_directory() as data, house(data, provider="bench.gate.provider") as (url, _):
        names = [f"tenant{number}" for number in range(TENANTS)] + ["noisy"]
        keys = {name: _key(data, name) for name in names}
        return asyncio.run(_asked(scene, url + PATH, keys))


def _straight(scene: Scene) -> Figures:
    with data_directory() as data, house(data, provider="bench.gate.provider") as (url, key):
        return asyncio.run(_asked(scene, asyncio.run(_provider(url, key)) + "/chat/completions", {}))


async def _provider(url: str, key: str) -> str:
    """The address of the provider that is connected."""
    headers = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(url, headers=headers) as session, session.get("/api/providers") as answer:
        answer.raise_for_status()
        return str((await answer.json())["items"][0]["base_url"])


def _key(data: Path, name: str) -> str:
    here = {**environment(), "MECUM_DATA": str(data)}
    mecum = [sys.executable, "-m", "mecum.cli.main"]
    person = f"{name}@example.org"
    run(mecum, here, "people", "add", person, "--password-stdin", given="seven paper boats\n")
    return run(mecum, here, "keys", "add", "--person", person, "--name", "bench", "--scope", "models")


async def _asked(scene: Scene, url: str, keys: dict[str, str]) -> Figures:
    requests = _requests(scene)
    timeout = aiohttp.ClientTimeout(total=STILL_THERE_S)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
        began = time.perf_counter()
        asked: list[asyncio.Task[None]] = []
        for each in requests:
            await asyncio.sleep(began + each.at - time.perf_counter())
            asked.append(asyncio.create_task(_ask(session, url, keys.get(each.tenant, ""), each, began)))
        await asyncio.gather(*asked)
    return figures(Ran(requests, scene))


async def _ask(session: aiohttp.ClientSession, url: str, key: str, request: Request, began: float) -> None:
    head = f"write {request.output_tokens} "
    text = head + "x" * max(0, request.input_tokens * CHARS_PER_TOKEN - len(head))
    body = {"model": "fake", "stream": True, "messages": [{"role": "user", "content": text}]}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        async with session.post(url, json=body, headers=headers) as answer:
            request.is_rejected = answer.status != 200
            async for chunk in answer.content.iter_any():
                if request.first_at is None and chunk and not request.is_rejected:
                    request.first_at = time.perf_counter() - began
        if not request.is_rejected:
            request.ended_at = time.perf_counter() - began
    except (aiohttp.ClientError, TimeoutError):
        request.is_rejected = True


if __name__ == "__main__":
    os.environ.pop("MECUM_DATA", None)
    for row in served():
        print(row.cells())
