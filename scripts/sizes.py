"""Say which functions and files are too large: 70 lines a function, 400 a file. Fails when there is one.

python scripts/sizes.py [FOLDER ...]
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tests", "scripts", "bench", "examples")
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400


def main(folders: list[str]) -> int:
    found = [
        line
        for folder in folders or FOLDERS
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line in too_large(file)
    ]
    print("\n".join(found) or f"No function above {FUNCTION_LINES_MAX} lines, no file above {FILE_LINES_MAX}.")
    return 1 if found else 0


def too_large(file: Path) -> Iterator[str]:
    """One line for each thing in `file` that is too large, with how to mend it."""
    text = file.read_text()
    name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield (
            f"{name}: {lines} lines, at most {FILE_LINES_MAX}. "
            "Make it a package with the field's own nouns as file names, or move what two places need into kit."
        )
    for node in ast.walk(ast.parse(text, str(file))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield (
                    f"{name}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES_MAX}. "
                    "Name its steps as functions: decisions pure, effects at the edge."
                )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
