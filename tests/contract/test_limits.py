"""No query gives more rows than somebody has thought of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.house import SOURCE, files, is_sql, where

MANY = {"all", "fetchall", "scalars", "mappings", "partitions", "columns", "yield_per"}
ONE = {"one", "one_or_none", "first", "scalar", "scalar_one", "scalar_one_or_none", "fetchone", "fetchval"}
REASON = "bounded:"
STORES = tuple(file for file in files(SOURCE) if ".execute(" in (text := file.read_text("utf-8")) or ".stream(" in text)


@pytest.mark.parametrize("file", STORES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_every_query_for_many_rows_has_a_limit(file: Path) -> None:
    wrong = [f"{where(file, line)}: {name}" for line, name in unlimited(file.read_text(encoding="utf-8"))]
    assert not wrong, (
        "A list grows with the years. Page it (.limit(...) and a cursor), or say in the function what keeps it short: "
        f"`# {REASON} at most 20 passkeys a person`. {wrong}"
    )


def unlimited(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each function that fetches many rows, without a limit and without a reason."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        gives_reason = any(REASON in line for line in lines[node.lineno - 1 : node.end_lineno])
        if _fetches_many(node) and not _is_limited(node) and not gives_reason:
            yield node.lineno, node.name


def _fetches_many(function: ast.AST) -> bool:
    called = {
        node.func.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    if not called & {"execute", "stream", "scalars", "fetch"} or not _selects(function):
        return False
    return bool(called & MANY and not called & ONE) or any(map(_iterates_a_result, ast.walk(function)))


def _selects(function: ast.AST) -> bool:
    """Whether rows are read; what an INSERT, UPDATE or DELETE gives back was counted by whoever wrote it."""
    names = {
        node.func.id for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    statements = [
        node.value for node in ast.walk(function) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "select" in names or any(is_sql(text) and "SELECT" in text for text in statements)


def _iterates_a_result(node: ast.AST) -> bool:
    if not isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return False
    return any(isinstance(part, ast.Attribute) and part.attr in {"execute", "stream"} for part in ast.walk(node.iter))


def _is_limited(function: ast.AST) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr in {"limit", "fetch_first"}:
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "LIMIT" in node.value:
            return True
    return False


@pytest.mark.parametrize(
    "body",
    [
        "return (await c.execute(select(t))).all()",
        "return [f(row) for row in (await c.execute(select(t).where(t.c.x == 1))).mappings()]",
        "return tuple(f(row) for row in await c.execute(select(t)))",
        'return (await c.execute(text("SELECT id FROM people.keys"))).scalars().all()',
        "async for row in await c.stream(select(t)): yield row",
    ],
)
def test_the_rule_sees_a_query_without_a_limit(body: str) -> None:
    assert list(unlimited(f"async def f(c):\n    {body}"))


@pytest.mark.parametrize(
    "body",
    [
        "return (await c.execute(select(t).limit(20))).all()",
        "return (await c.execute(select(t))).scalars().one_or_none()",
        'return (await c.execute(text("SELECT id FROM people.keys ORDER BY id LIMIT :limit"))).all()',
        "return (await c.execute(select(t))).all()  # bounded: three kinds",
        "return (await c.execute(update(t).returning(t.c.id))).scalars().all()",
    ],
)
def test_the_rule_lets_pass_what_is_limited(body: str) -> None:
    assert not list(unlimited(f"async def f(c):\n    {body}"))
