"""`mecum models`: the models that Mecum may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mecum.cli.model_prices import prices
from mecum.cli.model_routes import access, aliases, keys, router, timeouts
from mecum.cli.output import DATA, DataOption, JsonOption, make_app, read_secret, say, table, words, write_json

if TYPE_CHECKING:
    from mecum.cli.ground import Ground, Trial
    from mecum.rooms.models import CatalogueModel

models = make_app("Models: add, list, change, test, choose, remove.")
models.add_typer(prices, name="prices")
models.add_typer(keys, name="keys")
models.add_typer(aliases, name="aliases")
models.command("access")(access)
models.command("router")(router)
models.command("timeouts")(timeouts)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the model is called here.")]


@models.command("add")
def add(
    name: NameArgument,
    url: Annotated[
        str, typer.Option(metavar="BASE_URL", help="Where its provider is, up to /v1: http://localhost:11434/v1")
    ],
    model: Annotated[str, typer.Option(metavar="MODEL", help="What its provider calls it.")],
    key_stdin: Annotated[
        bool, typer.Option("--key-stdin", help="Read the provider's key from standard input.")
    ] = False,
    kind: Annotated[
        Literal["openai", "responses", "anthropic", "gemini"] | None,
        typer.Option(help="The protocol of its provider; guessed from the address."),
    ] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Connect a model of a provider that speaks OpenAI's chat completions or responses, Anthropic's messages or
    Gemini's generateContent.

    Nothing is sent to it yet; `mecum models test NAME` makes a short call.
    """
    from mecum.cli.ground import model_commands, on_ground

    key = read_secret("key") if key_stdin else None

    async def work(ground: Ground) -> tuple[CatalogueModel, ...]:
        async with model_commands(ground) as commands:
            await commands.add(name, url, model, key, kind)
            return await commands.list()

    known = on_ground(data, "mecum models add", work, create=True)
    added = next((each for each in known if each.name == name.strip()), None)
    if json:
        write_json(_shown(added) if added else {"name": name})
    else:
        say(words("cli.model_added", name=name))


@models.command("list")
def list_models(data: DataOption = DATA, json: JsonOption = False) -> None:
    """List the models that can be chosen, the default first."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> tuple[CatalogueModel, ...]:
        async with model_commands(ground) as commands:
            return await commands.list()

    found = on_ground(data, "mecum models list", work)
    if json:
        write_json([_shown(each) for each in found])
        return
    if not found:
        say(words("cli.no_models"))
        return
    rows = [
        (
            each.name,
            "*" if each.default else "",
            each.kind,
            each.provider,
            each.upstream_model,
            f"{each.context_tokens:,}",
        )
        for each in found
    ]
    print(table(("NAME", "DEFAULT", "KIND", "PROVIDER", "MODEL", "CONTEXT"), rows))


@models.command("remove")
def remove(name: NameArgument, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Take a model out, and its provider with its key when that was its last one."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> None:
        async with model_commands(ground) as commands:
            await commands.remove(name)

    on_ground(data, "mecum models remove", work)
    if json:
        write_json({"removed": name})
    else:
        say(words("cli.model_removed", name=name))


@models.command("change")
def change(
    name: NameArgument,
    licence: Annotated[
        str | None, typer.Option(metavar="NOTE", help='Under what terms it may be used, in one line; "" takes it away.')
    ] = None,
    reasoning: Annotated[
        bool | None, typer.Option("--reasoning/--no-reasoning", help="Whether it takes how hard it should think.")
    ] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Say what a model is: its licence, and whether it thinks."""
    from mecum.cli.ground import ModelChange, model_commands, on_ground

    if licence is None and reasoning is None:
        raise typer.BadParameter(words("cli.model_change_nothing"))

    async def work(ground: Ground) -> tuple[CatalogueModel, ...]:
        async with model_commands(ground) as commands:
            await commands.change(name, ModelChange(licence=licence, reasoning=reasoning))
            return await commands.list()

    known = on_ground(data, "mecum models change", work)
    changed = next((each for each in known if each.name == name), None)
    if json:
        write_json(_shown(changed) if changed else {"name": name})
    else:
        say(words("cli.model_changed", name=name))


@models.command("default")
def default(name: NameArgument, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Make a model the one that answers when nobody chooses."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> None:
        async with model_commands(ground) as commands:
            await commands.default(name)

    on_ground(data, "mecum models default", work)
    if json:
        write_json({"default": name})
    else:
        say(words("cli.model_default", name=name))


@models.command("test")
def try_model(name: NameArgument, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Make a real short call and show what comes back. Exit code 1 when the model does not answer."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> Trial:
        async with model_commands(ground) as commands:
            return await commands.test(name)

    trial = on_ground(data, "mecum models test", work)
    if json:
        problem = trial.problem
        shown = {"code": problem.code, "detail": problem.detail, "hint": problem.hint} if problem else None
        write_json({"ok": trial.ok, "latency_ms": trial.latency_ms, "text": trial.text, "problem": shown})
    elif trial.ok:
        print(trial.text)
        say(words("cli.model_answered", name=name, ms=trial.latency_ms))
    elif trial.problem:
        raise trial.problem
    if not trial.ok:
        raise typer.Exit(1)


def _shown(model: CatalogueModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "provider": model.provider,
        "kind": model.kind,
        "upstream_model": model.upstream_model,
        "context_tokens": model.context_tokens,
        "vision": model.vision,
        "native_tools": model.native_tools,
        "reasoning": model.reasoning,
        "licence": model.licence,
        "local": model.local,
        "default": model.default,
    }
