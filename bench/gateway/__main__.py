"""Measure the relay beside others, in one run.

    python -m bench.gateway                            everything, and write docs/benchmarks.md   (make bench-gateway)
    python -m bench.gateway --only direct,floor,mecum  some of it, written nowhere
    python -m bench.gateway --small                    a few seconds: figures come out, and no error
    python -m bench.gateway --nice -20                 before others, on a busy machine

Each target has core 0 for itself; fake upstream, load and Mecum's database share core 1. Where others use the machine
as well, trust the processor time, not the clock.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.gateway.load import Case, measure
from bench.gateway.processes import LOAD_CORE, NotStarted, boost, resident_mb, settle
from bench.gateway.tables import TITLE, Results, Target, ratios, rows, tables
from bench.gateway.targets import TARGETS, Running, Setting, upstream
from bench.report import write

CASES = (
    Case("plain, 1 caller", 1),
    Case("plain, 16 callers", 16),
    Case("stream, 16 callers", 16, streamed=True),
    Case("stream paced, 4 callers", 4, streamed=True, paced=True),
    Case("stream paced, 32 callers", 32, streamed=True, paced=True),
    Case("stream paced, 260 callers", 260, streamed=True, paced=True),
)
SECONDS, WARM_S, IDLE_S = 5.0, 1.5, 5.0
ABOUT = """Each target had core 0 for itself, with one process that serves; the fake upstream, the load and Mecum's
PostgreSQL shared core 1. Streams are of 64 chunks, each written by itself. Mecum was asked with a person's key, with
gate, budgets and meter on; LiteLLM's proxy with one worker, a master key and no database."""
PROFILE = Path(__file__).with_name("profile.md")
"""Where the time goes, as a profiler saw it: not measured anew by each run."""
SMALL_CASES = (CASES[1], CASES[2])
SMALL_SECONDS = 0.5
SMALL_TARGETS = ("direct", "mecum")
SATURATED = 0.9
"""A target that passes on less than this share of what is offered is not offered more."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description="Measure the relay beside others.")
    parser.add_argument("--only", default="", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--cases", default="", help="only those whose names contain this")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each case")
    parser.add_argument("--small", action="store_true", help="a few seconds altogether")
    parser.add_argument("--nice", type=int, default=0, help="niceness of everything measured; below 0 needs root")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else list(SMALL_TARGETS if given.small else TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"there is no target {', '.join(unknown)}")
    cases = [case for case in (SMALL_CASES if given.small else CASES) if given.cases in case.name]
    seconds, idle_s = (SMALL_SECONDS, 0.0) if given.small else (given.seconds, IDLE_S)
    results = run(names, cases, seconds, idle_s, given.nice)
    print(f"\n{tables(results)}\n")
    is_whole = not (given.only or given.cases or given.small)
    more = f"{ABOUT}\n\n{tables(results)}\n\n{PROFILE.read_text().strip()}"
    holds = write("gateway", TITLE, rows(results), more) if is_whole else True
    print(ratios(results))
    return 0 if holds and not any(target.errors for target in results.values()) else 1


def run(names: Sequence[str], cases: Sequence[Case], seconds: float, idle_s: float, niceness: int) -> Results:
    """All cases of all targets, one target after the other."""
    settle(LOAD_CORE)
    boost(os.getpid(), niceness)
    results: dict[str, Target] = {}
    with tempfile.TemporaryDirectory(prefix="mecum-gateway-") as folder, upstream(Path(folder), niceness) as (url, pid):
        setting = Setting(url, pid, Path(folder), niceness)
        for name in names:
            try:
                with TARGETS[name](setting) as running:
                    results[name] = measured(name, running, cases, seconds, idle_s)
            except NotStarted as error:
                print(f"{name}: skipped, {error}", flush=True)
    return results


def measured(name: str, running: Running, cases: Sequence[Case], seconds: float, idle_s: float) -> Target:
    """All cases of one target, with what it took to be there."""
    time.sleep(idle_s)
    target = Target(running.start_s, resident_mb(running.serving), {})
    for case in cases:
        if target.is_saturated:
            print(f"{name}: {case.name} left out, it passes on less than it is offered", flush=True)
            continue
        found = measure(running.door, case, warm_s=min(WARM_S, seconds), seconds=seconds, cpu_s=running.cpu_s)
        saturated = case.paced and found.chunks_per_s < SATURATED * case.offered_per_s
        target = replace(target, cases={**target.cases, case.name: found}, is_saturated=saturated)
        print(
            f"{name}: {case.name}: {found.requests_per_s:,.0f} requests/s, p50 {found.p50_ms:.2f} ms, "
            f"{found.cpu_ms_per_request:.3f} ms CPU a request, {found.chunks_per_s:,.0f} chunks/s, "
            f"{found.cpu_us_per_chunk:.1f} us CPU a chunk {dict(found.errors) or ''}",
            flush=True,
        )
    return target


if __name__ == "__main__":
    sys.exit(main())
