"""Run every benchmark, one after the other, and write `docs/benchmarks.md`.

    python -m bench.run             all          (make bench)
    python -m bench.run start       one by name

A benchmark is a file beside this one with a `main() -> int`, or a package with a `__main__`, named in ORDER. It ends
with 1 when a budget is missed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ORDER = ("start", "chat", "paint", "gateway", "gate", "recall")


def main(names: list[str]) -> int:
    unknown = [name for name in names if not is_there(name)]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}.", file=sys.stderr)
        return 2
    chosen = names or [name for name in ORDER if is_there(name)]
    missed = [
        name
        for name in chosen
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent, check=False).returncode
    ]
    if missed:
        print(f"\nFailed, or over budget: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def is_there(name: str) -> bool:
    return (HERE / f"{name}.py").is_file() or (HERE / name / "__main__.py").is_file()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
