"""All codes in the source that the server has to word: `i18n.text(..., "code")`, errors and kinds of notifications."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mecum.kit import errors

SOURCE = Path(__file__).parent.parent.parent / "src" / "mecum"
ERROR_NAMES = frozenset(
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.MecumError)
)


@dataclass(frozen=True, slots=True)
class Code:
    """A code and where it stands. `in_source` when its English is written there (the detail or hint of an error)."""

    code: str
    where: str
    in_source: bool = False


def codes_in(folder: Path = SOURCE) -> list[Code]:
    """Every code in the Python files below `folder`."""
    found: list[Code] = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(folder)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call):
                found += [Code(code, where, in_source) for code, in_source in _of_call(node)]
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                found += [Code(code, where) for code in _of_default(node)]
    return found


def _of_call(call: ast.Call) -> Iterator[tuple[str, bool]]:
    name = _name(call.func)
    if name in ERROR_NAMES:
        hint = _argument(call, 2, "hint")
        for code in _literals(_argument(call, 0, "code")):
            yield f"error.{code}", _argument(call, 1, "detail") is not None
            if hint is not None and _literals(hint) != [""]:
                yield f"error.{code}.hint", True
    elif name == "NotificationKind":
        for kind in _literals(_argument(call, 0, "name")):
            yield f"notification.{kind}.title", False
            yield f"notification.{kind}.body", False
    elif name == "text" and isinstance(call.func, ast.Attribute) and _name(call.func.value).lstrip("_") == "i18n":
        for code in _literals(_argument(call, 1, "code")):
            yield code, False


def _of_default(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if any(_name(target) == "default_code" for target in targets) and node.value is not None:
        for code in _literals(node.value):
            yield f"error.{code}"


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _argument(call: ast.Call, place: int, keyword: str) -> ast.expr | None:
    if len(call.args) > place:
        return call.args[place]
    return next((given.value for given in call.keywords if given.arg == keyword), None)


def _literals(node: ast.expr | None) -> list[str]:
    """The strings that `node` can be, as far as one can read them: a literal, or a choice between two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return _literals(node.body) + _literals(node.orelse)
    return []
