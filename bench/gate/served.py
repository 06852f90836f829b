"""The same through a real server: people, programs, bulk and a neighbour, before a provider as slow as the engine.

People ask with `service_tier: priority`, which has the band of a conversation; programs and the neighbour ask without,
bulk with `flex`. The load is a small one in real time, each time with a server of its own. The plain queue and the rate
caps are those of `policies.py`, in front of the same engine inside the provider's process.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp

from bench.chat import READY_WITHIN_S, house, run
from bench.gate.figures import Figures, figures
from bench.gate.load import Request, Scene
from bench.gate.replay import Gaps, Ran
from bench.report import Row
from bench.start import data_directory, environment, free_port
from mecum.rooms.models.gate.fair import Band, cost
from mecum.rooms.models.tokens import CHARS_PER_TOKEN

SCENE = Scene(seconds=64.0, rate=0.5, noisy=8.0, bulk=40, begins=500.0)
"""The traces begin slowly: that is passed over."""
HELD_OUT = replace(SCENE, begins=1_100.0, seed=11)
PEOPLE, PROGRAMS = 8, 2
PEOPLE_TIMES = 1.5
PROVIDER = "bench.gate.provider"
PATH = "/v1/chat/completions"
TIERS: dict[Band, str] = {"interactive": "priority", "bulk": "flex"}
STILL_THERE_S = 75.0
BULK_STILL_THERE_S = 300.0


def served(traces: Path | None) -> list[Row]:
    """Rows; the provider and the server are processes of their own."""
    calm, noisy = (_through_a_server(scene, traces) for scene in (replace(SCENE, noisy=0.0), SCENE))
    names = ("plain queue", "rate caps", "nothing")
    others = {name: _through_a_policy(name, SCENE, traces) for name in names}
    again = [_through_a_server(scene, traces) for scene in (replace(HELD_OUT, noisy=0.0), HELD_OUT)]
    begins, ends = SCENE.noise
    rows = [
        Row(
            "calls",
            len([each for each in _requests(SCENE, traces) if each.kind != "noisy"]),
            "",
            note=f"in {SCENE.seconds:.0f} s, of {PEOPLE} people, {PROGRAMS} programs and {SCENE.bulk} of bulk; the "
            f"neighbour: a program with {SCENE.noisy:.0f} a second of 2,500 tokens, {begins:.0f} to {ends:.0f} s",
        )
    ]
    rows += _rows("the gate", noisy, calm)
    rows += [
        Row(
            "the gate: largest service gap",
            noisy.gap,
            "tokens",
            noisy.bound,
            note="between two programs who both wait, the neighbour among them; the budget is the bound of VTC",
        )
    ]
    for name in names:
        rows += _rows(name, others[name], None)
    rows += _rows("the gate, held out", again[1], again[0])[:3]
    return rows


def _rows(name: str, noisy: Figures, calm: Figures | None) -> list[Row]:
    rows = [
        Row(
            f"{name}: well-behaved calls rejected",
            noisy.rejected,
            "",
            None if calm is None else 0,
            note=f"or never answered; {noisy.noisy_rejected:,} of the neighbour",
        )
    ]
    for kind, what in (("people", ""), ("beside", " while the neighbour asks")):
        first_s = noisy.first_p95[kind]
        budget = note = None
        if calm is not None:
            budget, note = PEOPLE_TIMES * calm.first_p95[kind], f"{calm.first_p95[kind]:.2f} s without the neighbour"
        rows.append(Row(f"{name}: first token for people{what}, p95", first_s, "s", budget, note=note or ""))
    programs = "" if calm is None else f"{calm.first_p95['program']:.2f} s without the neighbour, who is one of them"
    return [
        *rows,
        Row(f"{name}: first token for programs, p95", noisy.first_p95["program"], "s", note=programs),
        Row(f"{name}: goodput", noisy.goodput, "tokens/s", note=f"bulk done in that time: {noisy.bulk_done}"),
        Row(f"{name}: Jain's index", noisy.jain, ""),
    ]


def _requests(scene: Scene, traces: Path | None) -> list[Request]:
    """Of few tenants, because each has a key."""
    found = scene.requests(traces)
    for number, each in enumerate(found):
        if each.band == "interactive":
            each.kind, each.tenant = "paid", f"person{number % PEOPLE}"
        elif each.kind == "program":
            each.tenant = f"program{number % PROGRAMS}"
    return found


def _through_a_server(scene: Scene, traces: Path | None) -> Figures:
    settings = {"MECUM_PRIORITY_TIER": "everybody"}
    requests = _requests(scene, traces)
    with data_directory() as data, house(data, PROVIDER, settings) as (url, _):
        keys = {tenant: _key(data, tenant) for tenant in sorted({each.tenant for each in requests})}
        return asyncio.run(_asked(requests, scene, url + PATH, keys))


def _through_a_policy(name: str, scene: Scene, traces: Path | None) -> Figures:
    requests = _requests(scene, traces)
    with _provider(name) as url:
        keys = {each.tenant: f"{each.tenant}/{each.kind}" for each in requests}
        return asyncio.run(_asked(requests, scene, url + PATH, keys))


@contextmanager
def _provider(policy: str) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", PROVIDER, "--port", str(port), "--policy", policy])
    try:
        asyncio.run(_until_there(f"http://127.0.0.1:{port}"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


async def _until_there(url: str) -> None:
    async with asyncio.timeout(READY_WITHIN_S), aiohttp.ClientSession(url) as session:
        while True:
            try:
                async with session.get("/v1/models"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)


def _key(data: Path, name: str) -> str:
    here = {**environment(), "MECUM_DATA": str(data)}
    mecum = [sys.executable, "-m", "mecum.cli.main"]
    person = f"{name}@example.org"
    run(mecum, here, "people", "add", person, "--password-stdin", given="seven paper boats\n")
    return run(mecum, here, "keys", "add", "--person", person, "--name", "bench", "--scope", "models")


async def _asked(requests: list[Request], scene: Scene, url: str, keys: dict[str, str]) -> Figures:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        began = time.perf_counter()
        asked: list[asyncio.Task[None]] = []
        for each in requests:
            await asyncio.sleep(began + each.at - time.perf_counter())
            asked.append(asyncio.create_task(_ask(session, url, keys[each.tenant], each, began)))
        await asyncio.gather(*asked)
    gap, bound = _gap(requests)
    return figures(Ran(requests, scene, gap=gap, bound=bound))


async def _ask(session: aiohttp.ClientSession, url: str, key: str, request: Request, began: float) -> None:
    head = f"write {request.output_tokens} "
    text = head + "x" * max(0, request.input_tokens * CHARS_PER_TOKEN - len(head))
    body = {"model": "fake", "stream": True, "messages": [{"role": "user", "content": text}]}
    tier = TIERS.get(request.band)
    if tier is not None:
        body["service_tier"] = tier
    timeout = aiohttp.ClientTimeout(total=BULK_STILL_THERE_S if request.kind == "bulk" else STILL_THERE_S)
    try:
        async with session.post(url, json=body, headers={"authorization": f"Bearer {key}"}, timeout=timeout) as answer:
            request.is_rejected = answer.status != 200
            async for chunk in answer.content.iter_any():
                if request.first_at is None and chunk and not request.is_rejected:
                    request.first_at = time.perf_counter() - began
        if not request.is_rejected:
            request.ended_at = time.perf_counter() - began
    except (aiohttp.ClientError, TimeoutError):
        request.is_rejected = True


def _gap(requests: list[Request]) -> tuple[float, float]:
    """The largest service gap between two programs as they see it, and VTC's bound. Who has no first word waits."""
    gaps = Gaps()
    answered = [each for each in requests if each.first_at is not None and each.ended_at is not None]
    programs = [each for each in answered if each.band == "api"]
    tenants = sorted({each.tenant for each in programs})
    for now in range(round(max((each.ended_at or 0.0 for each in answered), default=0.0))):
        served = {name: sum(_served(each, now) for each in programs if each.tenant == name) for name in tenants}
        waits = {each.tenant for each in programs if each.at <= now < (each.first_at or 0.0)}
        waiting = [name for name in tenants if name in waits]
        gaps.look([(one, other) for one in waiting for other in waiting if one < other], served)
        running = (each for each in answered if (each.first_at or 0.0) <= now < (each.ended_at or 0.0))
        gaps.running_tokens = max(gaps.running_tokens, sum(each.input_tokens + each.output_tokens for each in running))
    prompt = max(each.input_tokens for each in requests)
    return gaps.largest, 2 * max(cost(prompt, 0), cost(0, gaps.running_tokens))


def _served(request: Request, now: float) -> float:
    """What it has got until `now`, in weighted tokens."""
    first_at, ended_at = request.first_at or 0.0, request.ended_at or 0.0
    if now < first_at:
        return 0.0
    written = 1.0 if now >= ended_at else (now - first_at) / (ended_at - first_at)
    return cost(request.input_tokens, request.output_tokens * written)


if __name__ == "__main__":
    os.environ.pop("MECUM_DATA", None)
    for row in served(None):
        print(row.cells())
