"""Write the generated parts of the documentation: settings, commands, the HTTP interface.

    python -m scripts.docs            write them             (make fix)
    python -m scripts.docs --check    fail when they are old (make check)

A generated part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`; people write what is around it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "mecum"


@dataclass(frozen=True, slots=True)
class Part:
    """A generated part of a page. `module` is what it is made from: before that exists there is nothing to write."""

    name: str
    page: str
    module: str
    render: Callable[[], str]


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when something would change")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("MECUM_")]:
        del os.environ[name]  # defaults are documented, not this machine's values
    old = [
        part.page for part in parts() if find_spec(part.module) and not bring_up_to_date(part, write=not options.check)
    ]
    if old and options.check:
        print(f"Old: {', '.join(f'docs/{page}' for page in old)}. Run `make fix` and commit what it writes.")
        return 1
    return 0


def parts() -> tuple[Part, ...]:
    return (
        Part("settings", "settings.md", "mecum.kit.settings", settings_part),
        Part("commands", "cli.md", "mecum.cli.main", commands_part),
        Part("routes", "api-reference.md", "mecum.app", routes_part),
        Part("metrics", "observing.md", "mecum.app", metrics_part),
        Part("spans", "observing.md", "mecum.app", spans_part),
    )


def bring_up_to_date(part: Part, *, write: bool) -> bool:
    """Give whether the page was up to date; when not, write it if `write`."""
    page = DOCS / part.page
    text = page.read_text(encoding="utf-8") if page.is_file() else f"# {part.name.title()}\n\n"
    begin, end = f"<!-- generated: {part.name} -->", f"<!-- end: {part.name} -->"
    made = f"{begin}\n\n{part.render().strip()}\n\n{end}"
    if begin in text:
        new = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: made, text, flags=re.DOTALL)
    else:
        new = f"{text.rstrip()}\n\n{made}\n"
    if new == text:
        return True
    if write:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(new, encoding="utf-8")
        print(f"Wrote docs/{part.page}")
    return False


def settings_part() -> str:
    """A table for each settings class: the environment variable, its default, what it is for."""
    return "\n\n".join(_settings_table(each) for each in settings_classes())


def settings_classes() -> list[Any]:
    """Every settings class of the house, the ground floor's first."""
    from pydantic_settings import BaseSettings

    found: dict[str, Any] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        if "(BaseSettings)" in file.read_text(encoding="utf-8"):
            module = import_module(".".join(file.relative_to(SOURCE.parent).with_suffix("").parts))
            own = (
                each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__
            )
            found.update({each.__name__: each for each in own if issubclass(each, BaseSettings)})
    return sorted(found.values(), key=lambda each: (not each.__module__.startswith("mecum.kit"), each.__module__))


def _default(field: Any) -> Any:
    """The default of a setting: the same whoever writes the docs, root or not."""
    from mecum.kit.places import PERSON_DATA, default_data

    return PERSON_DATA if field.default_factory is default_data else field.get_default(call_default_factory=True)


def _settings_table(settings: Any) -> str:
    owner = settings.__module__.removeprefix("mecum.").removeprefix("rooms.").removesuffix(".settings")
    prefix = settings.model_config.get("env_prefix", "").upper()
    rows = [
        (
            f"`{prefix}{name.upper()}`",
            _shown(_default(field)),
            _possible(field),
            _one_line(field.description),
        )
        for name, field in settings.model_fields.items()
    ]
    head = ("Setting", "Default", "Possible", "What for")
    return f"## {owner}\n\n{_one_line(settings.__doc__)}\n\n{table(head, rows)}"


def _possible(field: Any) -> str:
    """The choices or the range of a setting, as far as it has one."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    bounds = ("ge", "gt", "le", "lt")
    limits = {name: getattr(rule, name) for rule in field.metadata for name in bounds if hasattr(rule, name)}
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    if set(limits) == {"ge", "le"}:
        return f"{limits['ge']} to {limits['le']}"
    return ", ".join(f"{words[name]} {value}" for name, value in limits.items())


def _shown(value: object) -> str:
    if value is None or value in ("", (), {}, frozenset()):
        return "(none)"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | frozenset | list):
        return f"`{','.join(map(str, sorted(value, key=str)))}`"
    return f"`{value}`"


def commands_part() -> str:
    """Each command with its arguments and options, as `--help` shows them."""
    import typer.main

    return "\n\n".join(_command(typer.main.get_command(import_module("mecum.cli.main").app), "mecum"))


def _command(command: Any, path: str) -> Iterator[str]:
    import typer

    context = typer.Context(command, info_name=path)
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _command(child, f"{path} {name}")
        return
    pieces = " ".join(command.collect_usage_pieces(context))
    rows = [
        (f"`{', '.join(parameter.opts)}`", _one_line(getattr(parameter, "help", "") or ""))
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
    ]
    options = f"\n\n{table(('Option', 'What for'), rows)}" if rows else ""
    yield f"## `{path} {pieces}`\n\n{_paragraphs(command.help)}{options}"


def routes_part() -> str:
    """Each route of `/api` and `/v1` with what it takes and what it answers, from the OpenAPI description."""
    description = openapi()
    paths: dict[str, dict[str, Any]] = description["paths"]
    groups: dict[str, list[str]] = {}
    for path, operations in sorted(paths.items(), key=lambda each: (_group(each[1]), each[0])):
        for method, operation in operations.items():
            groups.setdefault(_group(operations), []).append(_route(method, path, operation))
    values = description.get("components", {}).get("schemas", {})
    groups["Values"] = [_value(name, schema) for name, schema in sorted(values.items())]
    return "\n\n".join(f"## {group}\n\n" + "\n\n".join(parts) for group, parts in groups.items())


def metrics_part() -> str:
    """Each metric of the house, as `/metrics` names it."""
    import_module("mecum.app")  # with it, every module that measures anything
    registry = import_module("mecum.kit.telemetry").REGISTRY
    rows = [
        (f"`{_exposed(family)}`", family.type, _labels(registry, family), _one_line(family.documentation))
        for family in sorted(registry.collect(), key=lambda each: each.name)
        if family.name.startswith("mecum_")
    ]
    return table(("Metric", "Type", "Labels", "What"), rows)


def _exposed(family: Any) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _labels(registry: Any, family: Any) -> str:
    # A family without samples does not name its labels, and the library has no public way to ask for them.
    collector = vars(registry)["_names_to_collectors"][_exposed(family)]
    names = getattr(collector, "label_names", None) or getattr(collector, "_labelnames", ())
    return ", ".join(f"`{name}`" for name in names)


def spans_part() -> str:
    """Each kind of span of the house."""
    import_module("mecum.app")
    specs = import_module("mecum.kit.telemetry").SPANS
    rows = [
        (
            f"`{name} {{{spec.of}}}`" if spec.of else f"`{name}`",
            spec.kind.name.lower(),
            ", ".join(f"`{each}`" for each in spec.attributes),
            _one_line(spec.what),
        )
        for name, spec in sorted(specs.items())
    ]
    return table(("Span", "Kind", "Attributes", "What"), rows)


@cache
def openapi() -> dict[str, Any]:
    """What the house says about its own routes: it is built on a database of its own, asked, and torn down."""
    from mecum.kit.embedded_pg import EmbeddedPostgres
    from tests.support.data_directory import open_folder

    quiet = {"MECUM_LOCAL_MODEL": "none", "MECUM_ALLOW_NETWORK": "0"}
    with (
        open_folder() as folder,
        patch.dict(os.environ, quiet),
        EmbeddedPostgres(folder / "data", durable=False, purpose="docs") as server,
    ):
        return asyncio.run(_asked(folder / "data", server.url()))


async def _asked(data: Path, database_url: str) -> dict[str, Any]:
    load, build = import_module("mecum.settings").load, import_module("mecum.app").build
    app = await build(load(data=data, database_url=database_url))
    answer = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answer.extend(message.get("body", b""))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/openapi.json",
        "raw_path": b"/api/openapi.json",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost:8080")],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 8080),
    }
    try:
        await app.asgi(scope, receive, send)
        return json.loads(answer)
    finally:
        await app.stop()


def _value(name: str, schema: dict[str, Any]) -> str:
    """The fields of a request's or an answer's body."""
    needed = schema.get("required", [])
    rows = [
        (f"`{field}`", _schema(each), "" if field in needed else "may be absent", _one_line(each.get("description")))
        for field, each in schema.get("properties", {}).items()
    ]
    fields = table(("Field", "Type", "", "What"), rows) if rows else f"{_schema(schema)}."
    return "\n\n".join(part for part in (f"### {name}", _paragraphs(schema.get("description")), fields) if part)


def _group(operations: dict[str, Any]) -> str:
    tags = next(iter(operations.values())).get("tags") or ["other"]
    return str(tags[0])


def _route(method: str, path: str, operation: dict[str, Any]) -> str:
    what = _paragraphs(operation.get("description") or operation.get("summary"))
    takes = [f"`{each['name']}` ({each['in']})" for each in operation.get("parameters", []) if each["in"] != "header"]
    body = next(iter(operation.get("requestBody", {}).get("content", {}).values()), {}).get("schema", {})
    if body:
        takes.append(f"body {_schema(body)}")
    answers = sorted(operation["responses"].items())
    good = ", ".join(f"{code} {_one_line(each.get('description'))}" for code, each in answers if code < "400")
    errors = ", ".join(code for code, _ in answers if code >= "400")
    lines = [
        f"### `{method.upper()} {path}`",
        what,
        f"Takes: {', '.join(takes)}." if takes else "",
        f"Answers: {good.rstrip('.')}." + (f" Errors: {errors}." if errors else ""),
    ]
    return "\n\n".join(line for line in lines if line)


def _schema(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "items" in schema:
        return f"list of {_schema(schema['items'])}"
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    choices = schema.get("anyOf") or schema.get("oneOf")
    return " or ".join(map(_schema, choices)) if choices else f"`{schema.get('type', 'any')}`"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(_one_line(paragraph) for paragraph in (text or "").replace("\b", "").split("\n\n"))


if __name__ == "__main__":
    sys.exit(main())
