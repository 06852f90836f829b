"""Run every benchmark, one after the other, and write `docs/benchmarks.md`.

    python -m bench.run             all          (make bench)
    python -m bench.run start       one by name

A benchmark is a file beside this one with a `main() -> int`, named in ORDER. It ends with 1 when a budget is missed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ORDER = ("start", "chat", "paint", "relay", "recall")


def main(names: list[str]) -> int:
    unknown = [name for name in names if not (HERE / f"{name}.py").is_file()]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}.", file=sys.stderr)
        return 2
    chosen = names or [name for name in ORDER if (HERE / f"{name}.py").is_file()]
    missed = [
        name
        for name in chosen
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent, check=False).returncode
    ]
    if missed:
        print(f"\nFailed, or over budget: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
