"""Writing what was measured into `docs/benchmarks.md`, with the machine, the command and the budget beside it."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`. Every table says on which machine and by which command; figures of different runs compare only
roughly, figures of one table were measured in one run. Budgets are those of the design.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Args:
        what: what was measured, in words.
        value: the figure; unit: of value and budget.
        budget: at most this much (or at least, where `at_least`); None where there is no budget.
        note: how it was measured, spread, what it compares with.
    """

    what: str
    value: float
    unit: str
    budget: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def holds(self) -> bool:
        if self.budget is None:
            return True
        return self.value >= self.budget if self.at_least else self.value <= self.budget

    def cells(self) -> tuple[str, ...]:
        if self.budget is None:
            budget = ""
        else:
            bound = "at least" if self.at_least else "at most"
            budget = f"{bound} {number(self.budget)} {self.unit}{'' if self.holds else ' (missed)'}"
        return (self.what, f"{number(self.value)} {self.unit}", budget, self.note)


def number(value: float) -> str:
    """Three digits that mean something, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def write(name: str, title: str, rows: Iterable[Row], more: str = "", command: str = "") -> bool:
    """Put the table `name` into the page and print it. Gives whether every budget holds.

    Args:
        more: Markdown that follows the table: other tables of the same run, and what they say.
        command: by which it was measured, after `python -m bench.`; "": the name.
    """
    kept = list(rows)
    lines = [("What", "Measured", "Budget", "How"), ("---", "---", "---", "---"), *(row.cells() for row in kept)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    parts = (
        f"<!-- bench: {name} -->",
        f"## {title}",
        table,
        circumstances(command or name),
        more,
        f"<!-- end: {name} -->",
    )
    part = "\n\n".join(filter(None, parts))
    text = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else HEAD
    pattern = re.compile(rf"<!-- bench: {name} -->.*?<!-- end: {name} -->", re.DOTALL)
    text = pattern.sub(lambda _: part, text) if pattern.search(text) else f"{text.rstrip()}\n\n{part}\n"
    PAGE.write_text(text, encoding="utf-8")
    print(f"\n{title}\n")
    for row in kept:
        what, value, budget, note = row.cells()
        print(f"  {what:<52} {value:>14}   {budget:<28} {note}")
    return all(row.holds for row in kept)


def circumstances(command: str) -> str:
    """Machine, versions, load and command of this run, in one sentence."""
    load = os.getloadavg()[0]
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, load {load:.1f} at the end"
    versions = f"{platform.system()} {platform.release()}, Python {platform.python_version()}, revision {revision()}"
    return f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {machine}, {versions}: `python -m bench.{command}`."


def processor() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    found = re.search(r"model name\s*:\s*(.+)", text)
    return " ".join(found[1].split()) if found else platform.processor() or platform.machine()


def revision() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
