"""The gate under load, beside a plain queue, rate caps and nothing at all.

    python -m bench.gate                        a load with the moments of the traces, drawn from a seed
    python -m bench.gate --traces FOLDER        the traces themselves (or MECUM_TRACES=FOLDER)
    python -m bench.gate --simulated            without the real server: two minutes
    python -m bench.gate --served               the real server alone: a quarter of an hour

FOLDER holds Azure's AzureLLMInferenceTrace_conv.csv and _code.csv of 2023, as azure_llm_2023_conv.csv and
azure_llm_2023_code.csv.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from bench.gate.engine import READ, most_within
from bench.gate.figures import SOON_S, Figures, figures
from bench.gate.load import NOISY, WELL_BEHAVED, Scene
from bench.gate.policies import POLICIES
from bench.gate.replay import Replay
from bench.report import Row, write

ENGINES = 3
PEOPLE_TIMES, WORK_SHARE = 1.5, 95.0
HELD_OUT = Scene(begins=1_100.0, seed=11)
"""On no other scene were settings tried: other twenty minutes of the traces, and other tenants."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.gate")
    parser.add_argument("--traces", type=Path, default=os.environ.get("MECUM_TRACES") or None)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--simulated", action="store_true")
    only.add_argument("--served", action="store_true")
    given = parser.parse_args()
    traces = Path(given.traces) if given.traces else None
    command = "gate" if traces is None else "gate --traces FOLDER"
    holds = True
    if not given.served:
        holds &= write("gate", "Fairness at the gate, simulated", simulated(Scene(), traces), command=command)
    if not given.simulated:
        from bench.gate.served import served

        title = "Fairness at the gate, through a real server"
        holds &= write("gate-served", title, served(traces), command=command)
    return 0 if holds else 1


def simulated(scene: Scene, traces: Path | None) -> list[Row]:
    """The rows of all policies, with the neighbour and without; and of the gate before fewer engines."""
    noisy = {name: _run(name, scene, traces) for name in POLICIES}
    calm = {name: _run(name, replace(scene, noisy=0.0), traces) for name in POLICIES}
    at_a_screen = _run("the gate", replace(scene, at_a_screen=True), traces)
    calls = len(scene.requests(traces))
    source = "Azure's traces of 2023" if traces is not None else "drawn with the moments of Azure's traces"
    busy = [each for each in scene.requests(traces) if each.kind in WELL_BEHAVED]
    busy_per_s = sum(each.input_tokens / READ + each.output_tokens for each in busy) / scene.seconds
    rows = [
        Row(
            "calls",
            calls,
            "",
            note=f"{source}, {scene.seconds:,.0f} s, {scene.bulk:,} of bulk dumped at the start; the neighbour: "
            f"{scene.noisy:.0f} a second of 2,500 tokens from {scene.noise[0]:,.0f} to {scene.noise[1]:,.0f} s",
        )
    ]
    rows += [
        Row(
            f"{each} of {ENGINES} engines, {PEOPLE_TIMES:g} times slower than people and programs make them",
            100 * most_within(PEOPLE_TIMES, each, busy_per_s, sum(NOISY)),
            "%",
            note="of the most that they can do with the neighbour's calls at any cost: no gate can have more",
        )
        for each in (3, 2, 1)
    ]
    plain = noisy["plain queue"]
    for name in POLICIES:
        rows += _rows(name, noisy[name], calm[name], plain)
    rows += _people("the gate, neighbour at a screen", at_a_screen, calm["the gate"], has_budget=True)
    for engines in (2, 1):
        rows += _others(f"the gate, {engines} of {ENGINES} engines", scene, traces, engines)
    for engines in (3, 2, 1):
        rows += _others(f"held out, {engines} of {ENGINES} engines", HELD_OUT, traces, engines)
    return rows


def _run(name: str, scene: Scene, traces: Path | None, engines: int = ENGINES) -> Figures:
    return figures(Replay(scene.requests(traces), POLICIES[name], (engines,)).run(scene))


def _rows(name: str, noisy: Figures, calm: Figures, plain: Figures) -> list[Row]:
    is_ours = name == "the gate"
    rows = _people(name, noisy, calm, has_budget=is_ours)
    rows += [
        Row(f"{name}: first token for programs, p95", noisy.first_p95["program"], "s"),
        Row(
            f"{name}: goodput",
            noisy.goodput,
            "tokens/s",
            note=f"of well-behaved answers that began within {SOON_S:.0f} s; {calm.goodput:,.0f} without the neighbour",
        ),
        Row(f"{name}: Jain's index", noisy.jain, "", note="of what share of its calls each got answered so soon"),
        _work(name, noisy, plain, has_budget=is_ours),
    ]
    if name in ("plain queue", "the gate"):
        rows.append(
            Row(
                f"{name}: largest service gap",
                noisy.gap,
                "tokens",
                noisy.bound if is_ours else None,
                note="between two tenants of one band who both wait; the budget is the bound of VTC",
            )
        )
    return rows


def _others(name: str, scene: Scene, traces: Path | None, engines: int) -> list[Row]:
    """Rows of the gate alone, in another scene. With a single engine programs by themselves are about too many."""
    noisy, plain = (_run(policy, scene, traces, engines) for policy in ("the gate", "plain queue"))
    calm = _run("the gate", replace(scene, noisy=0.0), traces, engines)
    rejected, *people = _people(name, noisy, calm, has_budget=True)
    if engines == 1:
        waits_s = calm.first_p95["program"]
        rejected = replace(rejected, budget=None, note=f"{rejected.note}; programs wait {waits_s:.0f} s without (p95)")
    return [rejected, *people, _work(name, noisy, plain, has_budget=True)]


def _people(name: str, noisy: Figures, calm: Figures, *, has_budget: bool) -> list[Row]:
    rows = [
        Row(
            f"{name}: well-behaved calls rejected",
            noisy.rejected,
            "",
            0 if has_budget else None,
            note=f"or never answered; {noisy.noisy_rejected:,} of the neighbour",
        )
    ]
    for kind, what in (("people", ""), ("beside", " while the neighbour asks")):
        undisturbed = calm.first_p95[kind]
        budget = PEOPLE_TIMES * undisturbed if has_budget else None
        note = f"{undisturbed:.2f} s without the neighbour"
        rows.append(Row(f"{name}: first token for people{what}, p95", noisy.first_p95[kind], "s", budget, note=note))
    return rows


def _work(name: str, noisy: Figures, plain: Figures, *, has_budget: bool) -> Row:
    return Row(
        f"{name}: what the engines did",
        100 * noisy.work / plain.work,
        "%",
        WORK_SHARE if has_budget else None,
        at_least=True,
        note=f"of what they do behind a plain queue while the neighbour asks; bulk done: {noisy.bulk_done:,}",
    )


if __name__ == "__main__":
    sys.exit(main())
