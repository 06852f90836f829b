"""Reading the source of the house: what the checks of this folder have in common."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src" / "mecum"
ROOMS = tuple(sorted(file.parent.name for file in (SOURCE / "rooms").glob("*/__init__.py")))
SCHEMAS = (*ROOMS, "kit", "jobs")

_SQL_WORDS = r"FROM|JOIN|INTO|UPDATE|TABLE|EXISTS|ONLY|ON|REFERENCES|SCHEMA|VIEW|SEQUENCE|FUNCTION|USING|TRUNCATE"
_OBJECTS = (
    r"(?:UNIQUE |OR REPLACE |TEMP )?(?:TABLE|INDEX|SCHEMA|VIEW|SEQUENCE|FUNCTION|TRIGGER|TYPE|EXTENSION|DATABASE|ROLE)"
)
_SQL = re.compile(
    rf"^\s*(?:SELECT|WITH)\s|\bSELECT\b.+\bFROM\b|\bINSERT INTO\s|\bUPDATE\s+\S+\s+SET\b|\bDELETE FROM\s"
    rf"|\b(?:CREATE|ALTER|DROP) {_OBJECTS}\b|^\s*(?:TRUNCATE|COPY|LOCK TABLE|VACUUM|NOTIFY|LISTEN)\s",
    re.DOTALL,
)
_MODULE = re.compile(r"(mecum(?:\.[a-z_]\w*)+)(?::\w+)?")
_NAMED_SCHEMA = re.compile(rf"\b(?:{_SQL_WORDS})\s+\"?({'|'.join(SCHEMAS)})\"?\s*\.\s*\"?[a-z_]")


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def files(folder: Path) -> tuple[Path, ...]:
    """All Python files below `folder`."""
    return tuple(sorted(folder.rglob("*.py")))


def where(file: Path, line: int) -> str:
    return f"{file.relative_to(ROOT)}:{line}"


def imports(module: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that is imported; `from a import b` counts as `a.b`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def modules_named(module: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of our own modules that a string names, to be imported by name."""
    for line, text in texts(module):
        if found := _MODULE.fullmatch(text):
            yield line, found[1]


def is_standard(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in sys.stdlib_module_names


def texts(module: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and value of every string that is not a docstring; what an f-string fills in reads `{}`."""
    silent = {id(child) for node in ast.walk(module) for child in _described(node)}
    for node in ast.walk(module):
        if id(node) in silent:
            continue
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _described(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, and the parts of f-strings, which `texts` gives as wholes."""
    if isinstance(node, ast.JoinedStr):
        yield from node.values
    body = getattr(node, "body", None)
    for statement in body if isinstance(body, list) else ():
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            yield statement.value


def is_sql(text: str) -> bool:
    """Whether `text` reads like a statement (upper-case keywords, as everywhere in this house)."""
    return _SQL.search(text) is not None


def schemas_named(text: str) -> set[str]:
    """The schemas of rooms, of kit and of the queue that a statement names."""
    return set(_NAMED_SCHEMA.findall(text))


def schemas_declared(module: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and schema of every `room_metadata("x")` and of every keyword `schema="x"`."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        values = [keyword.value for keyword in node.keywords if keyword.arg == "schema"]
        values += node.args[:1] if name == "room_metadata" else []
        for value in values:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield node.lineno, value.value
