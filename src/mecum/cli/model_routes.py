"""`mecum models keys`, `aliases`, `access` and `router`: by which accounts models are asked, by which names, by
whom, and who chooses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mecum.cli.output import DATA, DataOption, JsonOption, make_app, read_secret, say, table, words, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mecum.cli.ground import Ground

keys = make_app("Keys of providers: list, add, change, remove.")
aliases = make_app("Names that stand for several models: list, set, remove.")

ProviderArgument = Annotated[str, typer.Argument(metavar="PROVIDER", help="The provider's name.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key's name, or the end of it that is listed.")]
AliasArgument = Annotated[str, typer.Argument(metavar="NAME", help="What people choose and programs ask for.")]
CallsOption = Annotated[int | None, typer.Option("--calls", min=1, help="Requests at once, where it has such a limit.")]
TokensOption = Annotated[int | None, typer.Option("--tokens", min=1, help="Tokens a minute, likewise.")]
WaitOption = Annotated[float | None, typer.Option(min=0.1, help="In seconds.")]
PauseOption = Annotated[bool | None, typer.Option("--pause/--resume", help="Leave it alone for now, or go on.")]


@keys.command("list")
def list_keys(data: DataOption = DATA, json: JsonOption = False) -> None:
    """List the keys of all providers: never more than their ends, how they fare, and their limits."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> Sequence[dict[str, Any]]:
        async with model_commands(ground) as commands:
            return await commands.keys.list()

    found = on_ground(data, "mecum models keys list", work)
    if json:
        write_json(found)
        return
    rows = [
        (
            each["provider"],
            each["name"] or "-",
            f"…{each['tail']}" if each["tail"] else "-",
            "paused" if each["paused"] else each["state"],
            str(each["limits"]["calls_max"] or "-"),
            str(each["limits"]["tokens_per_minute"] or "-"),
            each["problem"]["detail"] if each["problem"] else "",
        )
        for each in found
    ]
    print(table(("PROVIDER", "NAME", "KEY", "STATE", "CALLS", "TOKENS/MIN", "PROBLEM"), rows))


@keys.command("add")
def add_key(
    provider: ProviderArgument,
    name: Annotated[str, typer.Option(help="What tells it from the provider's other keys.")] = "",
    calls: CallsOption = None,
    tokens: TokensOption = None,
    data: DataOption = DATA,
) -> None:
    """Give a provider one more key, which is read from standard input. Its keys share the load."""
    from mecum.cli.ground import Limits, model_commands, on_ground

    key = read_secret("key")

    async def work(ground: Ground) -> None:
        async with model_commands(ground) as commands:
            await commands.keys.add(provider, key, name, Limits(calls, tokens))

    on_ground(data, "mecum models keys add", work)
    say(words("cli.key_added", provider=provider))


@keys.command("change")
def change_key(
    provider: ProviderArgument,
    key: KeyArgument,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    pause: PauseOption = None,
    key_stdin: Annotated[bool, typer.Option("--key-stdin", help="Read another key from standard input.")] = False,
    calls: CallsOption = None,
    tokens: TokensOption = None,
    no_limits: Annotated[
        bool, typer.Option("--no-limits", help="It has no limits: what it takes is measured.")
    ] = False,
    data: DataOption = DATA,
) -> None:
    """Rename, pause or limit a key, or put another one in its place. --calls and --tokens replace both limits."""
    from mecum.cli.ground import AccountChange, Limits, model_commands, on_ground

    secret = read_secret("key") if key_stdin else None
    limits = Limits(calls, tokens) if no_limits or calls is not None or tokens is not None else None

    async def work(ground: Ground) -> None:
        async with model_commands(ground) as commands:
            await commands.keys.change(provider, key, AccountChange(name, secret, pause, limits))

    on_ground(data, "mecum models keys change", work)
    say(words("cli.key_changed"))


@keys.command("test")
def try_key(provider: ProviderArgument, key: KeyArgument, data: DataOption = DATA) -> None:
    """Make a real short call with a key. Exit code 1 when nothing answers."""
    from mecum.cli.ground import Trial, model_commands, on_ground

    async def work(ground: Ground) -> Trial:
        async with model_commands(ground) as commands:
            return await commands.keys.test(provider, key)

    trial = on_ground(data, "mecum models keys test", work)
    if trial.problem:
        raise trial.problem
    print(trial.text)
    say(words("cli.model_answered", name=provider, ms=trial.latency_ms))


@keys.command("remove")
def remove_key(provider: ProviderArgument, key: KeyArgument, data: DataOption = DATA) -> None:
    """Forget a key. Without its last one the provider is asked without any."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> None:
        async with model_commands(ground) as commands:
            await commands.keys.remove(provider, key)

    on_ground(data, "mecum models keys remove", work)
    say(words("cli.key_removed"))


@aliases.command("list")
def list_aliases(data: DataOption = DATA, json: JsonOption = False) -> None:
    """List the names that stand for several models; "a b > c" means a and b share the load and c stands by."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> Sequence[dict[str, Any]]:
        async with model_commands(ground) as commands:
            return await commands.aliases.list()

    found = on_ground(data, "mecum models aliases list", work)
    if json:
        write_json(found)
    elif not found:
        say(words("cli.no_aliases"))
    else:
        rows = [(each["name"], "*" if each["default"] else "", _tiers(each), each["note"]) for each in found]
        print(table(("NAME", "DEFAULT", "MODELS", "NOTE"), rows))


@aliases.command("set")
def set_alias(
    name: AliasArgument,
    models: Annotated[
        list[str], typer.Argument(metavar="MODELS...", help="a,b: share the load; further ones stand by.")
    ],
    note: Annotated[str | None, typer.Option(help="One line, shown where one chooses.")] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Let a name stand for models, in the order in which they are asked: a,b c asks c when neither a nor b can."""
    from mecum.cli.ground import AliasChange, model_commands, on_ground

    tiers = [[each for each in tier.split(",") if each] for tier in models]

    async def work(ground: Ground) -> dict[str, Any]:
        async with model_commands(ground) as commands:
            return await commands.aliases.put(name, AliasChange(tiers=tiers, note=note))

    made = on_ground(data, "mecum models aliases set", work)
    if json:
        write_json(made)
    else:
        say(words("cli.alias_set", name=name, models=_tiers(made)))


@aliases.command("remove")
def remove_alias(name: AliasArgument, data: DataOption = DATA) -> None:
    """Take a name away. Its models stay."""
    from mecum.cli.ground import model_commands, on_ground

    async def work(ground: Ground) -> None:
        async with model_commands(ground) as commands:
            await commands.aliases.remove(name)

    on_ground(data, "mecum models aliases remove", work)
    say(words("cli.alias_removed", name=name))


def timeouts(
    provider: ProviderArgument,
    first_byte: WaitOption = None,
    silence: WaitOption = None,
    total: WaitOption = None,
    data: DataOption = DATA,
) -> None:
    """Say how long a provider is waited for, in seconds: until it begins, in the middle, altogether.

    What is not given is as the settings MECUM_PROVIDER_*_TIMEOUT_S have it.
    """
    from mecum.cli.ground import Timeouts, model_commands, on_ground

    async def work(ground: Ground) -> None:
        async with model_commands(ground) as commands:
            await commands.keys.wait(provider, Timeouts(first_byte, silence, total))

    on_ground(data, "mecum models timeouts", work)
    say(words("cli.timeouts_set", provider=provider))


def access(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model or an alias.")],
    who: Annotated[
        Literal["everybody", "operators", "organisations", "roles"],
        typer.Argument(metavar="WHO", help="Who may use it."),
    ],
    named: Annotated[
        list[str] | None, typer.Argument(metavar="[IDS|ROLES]...", help="org_... ids, or owner, operator, member.")
    ] = None,
    hidden: Annotated[
        bool | None, typer.Option("--hide/--show", help="Out of all lists: it works for who may use it and knows it.")
    ] = None,
    data: DataOption = DATA,
) -> None:
    """Say who may use a model or an alias: everybody, operators, organisations IDS... or roles ROLES...

    Whoever may not is told that there is no such model.
    """
    from mecum.cli.ground import access_of, model_commands, on_ground

    wanted = access_of(who, named or [])

    async def work(ground: Ground) -> None:
        async with model_commands(ground) as commands:
            await commands.access.set(name, wanted, hidden=hidden)

    on_ground(data, "mecum models access", work)
    say(words("cli.access_set", name=name, who=" ".join([who, *(named or [])])))


def router(
    fast: Annotated[str | None, typer.Option(metavar="NAME", help="Who answers at once.")] = None,
    thinking: Annotated[str | None, typer.Option(metavar="NAME", help="Who thinks first.")] = None,
    mode: Annotated[
        Literal["itself", "off"] | None,
        typer.Argument(metavar="[itself|off]", help="The names mecum-fast and mecum-thinking, or nothing."),
    ] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Say between which models mecum-auto chooses, or that it does not; without anything, show it.

    The same model twice, which reasons: only how hard it thinks.
    """
    from mecum.cli.ground import model_commands, on_ground

    if (fast is None) != (thinking is None) or (fast is not None and mode is not None):
        raise typer.BadParameter(words("cli.router_both"))

    async def work(ground: Ground) -> dict[str, Any]:
        async with model_commands(ground) as commands:
            if fast is not None or mode is not None:
                await commands.router.put(fast, thinking, off=mode == "off")
            return await commands.router.now()

    now = on_ground(data, "mecum models router", work)
    if json:
        write_json(now)
    elif now["fast"]:
        say(words("cli.router_now", fast=now["fast"], thinking=now["thinking"]))
    else:
        say(words("cli.router_nothing"))


def _tiers(alias: dict[str, Any]) -> str:
    return " > ".join(" ".join(tier) for tier in alias["tiers"]) or "-"
