"""What is there is documented, and what is documented is there."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from scripts import docs
from tests.contract.house import ROOMS, ROOT, SOURCE, files, texts, tree

PAGES = tuple(
    page
    for page in sorted(ROOT.rglob("*.md"))
    if not {"node_modules", ".venv", ".tools", "test-results", "dist"} & set(page.relative_to(ROOT).parts)
    and not any(part.startswith(".") and part != ".ci" for part in page.relative_to(ROOT).parts)
)
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)[^)]*\)|!\[[^\]]*\]\(([^)\s]+)[^)]*\)")
ROUTE = re.compile(r"/(?:api|v1)(?:/[\w{}:.-]+)+")
NAME = re.compile(r"MECUM_[A-Z][A-Z0-9_]*[A-Z0-9](?![A-Z0-9_*])")


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("part", docs.parts(), ids=lambda part: part.name)
def test_generated_parts_of_the_docs_are_up_to_date(part: docs.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec(part.module) is None:
        pytest.skip(f"{part.module} is not built yet")
    for name in NAME.findall(" ".join(docs.os.environ)):
        monkeypatch.delenv(name, raising=False)
    assert docs.bring_up_to_date(part, write=False), f"Run `make fix` and commit docs/{part.page}."


def test_every_setting_has_a_default_and_a_reason_and_means_the_same_everywhere() -> None:
    seen: dict[str, tuple[str, object]] = {}
    for settings in docs.settings_classes():
        for name, field in settings.model_fields.items():
            assert not field.is_required(), f"{settings.__name__}.{name}: give it a default that works."
            assert field.description, f"{settings.__name__}.{name}: say in one line what it is for (description=...)."
            meaning = (str(field.annotation), field.default)
            owner, first = seen.setdefault(name, (settings.__name__, meaning))
            assert first == meaning, f"{name} differs in {owner} and {settings.__name__}: one variable, one meaning."


def test_every_environment_variable_that_the_source_names_is_documented() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text()
    named = {name for file in files(SOURCE) for _, text in texts(tree(file)) for name in NAME.findall(text)}
    lacking = sorted(name for name in named if f"`{name}`" not in documented)
    assert not lacking, f"Make it a field of a settings class, or describe it in docs/settings.md: {lacking}"


def test_every_route_says_what_it_does() -> None:
    if find_spec("mecum.app") is None:
        pytest.skip("mecum.app is not built yet")
    paths = docs.openapi()["paths"]
    silent = [
        f"{method.upper()} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if not operation.get("description")
    ]
    assert not silent, f"The docstring of a route is its documentation; write one: {silent}"
    # A part of a path is written {thread} where it is served and {} where a client fills it in.
    described = re.sub(r"{[^{}]*}", "{}", (ROOT / "docs" / "api-reference.md").read_text())
    named = {text for file in files(SOURCE) for _, text in texts(tree(file)) if ROUTE.fullmatch(text)}
    lacking = sorted(path for path in named if re.sub(r"{[^{}]*}", "{}", path) not in described)
    assert not lacking, f"Routes past FastAPI are described by hand, in docs/api-reference.md: {lacking}"


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_what_it_owns(room: str) -> None:
    readme = SOURCE / "rooms" / room / "README.md"
    assert readme.is_file(), (
        f"Write {readme.relative_to(ROOT)}: what it owns, its tables, its invariants, how to add a thing."
    )
    lines = readme.read_text().splitlines()
    assert 8 <= len(lines) <= 90, f"{readme.relative_to(ROOT)}: about half a page."


@pytest.mark.parametrize("file", sorted((SOURCE / "rooms").glob("*/events.py")), ids=lambda file: file.parent.name)
def test_every_event_of_a_log_is_documented(file: Path) -> None:
    page = ROOT / "docs" / "events.md"
    text = page.read_text() if page.is_file() else ""
    types = import_module(f"mecum.rooms.{file.parent.name}.events").EVENT_TYPES
    lacking = sorted(each for each in types if f"`{each}`" not in text)
    assert not lacking, f"Describe them with their payloads in docs/events.md: {lacking}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [target for target in links(page) if not resolves(page, target)]
    assert not broken, f"{page.relative_to(ROOT)}: {broken}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_code_in_docs_can_be_read(page: Path) -> None:
    for language, code in FENCE.findall(page.read_text(encoding="utf-8")):
        if language in {"python", "py"}:
            compile(code, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        elif language == "json":
            json.loads(code)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_in_docs_exist(page: Path) -> None:
    if find_spec("mecum.cli.main") is None:
        pytest.skip("the commands are not built yet")
    known = {
        re.split(r" [A-Z\[-]", usage)[0] for usage in re.findall(r"^## `(.+)`$", docs.commands_part(), re.MULTILINE)
    }
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for language, code in FENCE.findall(page.read_text(encoding="utf-8")):
        for line in code.splitlines() if language in {"", "sh", "bash", "console"} else ():
            for words in re.findall(r"(?:^|[|;&$] ?)\s*(?:\.venv/bin/)?mecum((?: [a-z][a-z-]*)*)", line):
                assert not words or any(f"mecum{words} ".startswith(f"{each} ") for each in known), (
                    f"{page}: {line.strip()}"
                )
            for target in re.findall(r"(?:^|[|;&$] ?)make ([a-z-]+)", line):
                assert target in targets, f"{page}: {line.strip()}"


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text(encoding="utf-8")))
    for plain, picture in LINK.findall(text):
        target = plain or picture
        if not re.match(r"[a-z][a-z0-9+.-]*:", target):
            yield target


def resolves(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path) if path else page
    if not file.exists() or not file.resolve().is_relative_to(ROOT):
        return False
    return not anchor or file.suffix != ".md" or anchor in anchors(file)


def anchors(page: Path) -> set[str]:
    """The names of a page's headings in links."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
