"""`tool_choice`: which of the caller's tools may be called, and whether one has to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mecum.kit.errors import MecumError
from mecum.surfaces.openai.requests import refused

MODES = ("auto", "required")


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """
    Args:
        offered: names of the caller's tools that the entity may call.
        must_call: names of those one of which it has to call; () leaves it to the entity.
        shown: the wish as the Responses API shows it again.
    """

    offered: tuple[str, ...]
    must_call: tuple[str, ...]
    shown: str | Mapping[str, Any]


def chosen(wish: object, names: Sequence[str]) -> ToolChoice:
    """What `wish`, in either API's shape, means for the tools called `names`.

    Raises:
        BadRequest: it is of no known shape, or names a tool that is not there.
    """
    match wish:
        case None | "auto":
            return ToolChoice(tuple(names), (), "auto")
        case "none":
            return ToolChoice((), (), "none")
        case "required":
            return ToolChoice(tuple(names), _some(names), "required")
        case {"type": "function"}:
            name = _name(cast("Mapping[str, Any]", wish), names)
            return ToolChoice((name,), (name,), {"type": "function", "name": name})
        case {"type": "allowed_tools"}:
            return _allowed(cast("Mapping[str, Any]", wish), names)
        case _:
            raise _unknown("auto, none, required, a function or allowed_tools")


def _allowed(wish: Mapping[str, Any], names: Sequence[str]) -> ToolChoice:
    inner: Any = wish.get("allowed_tools", wish)
    match inner:
        case {"mode": "auto" | "required" as mode, "tools": [*tools]}:
            allowed = tuple(_name(tool, names) for tool in tools)
        case _:
            raise _unknown(f"allowed_tools with a mode ({' or '.join(MODES)}) and tools")
    shown = [{"type": "function", "name": name} for name in allowed]
    must_call = _some(allowed) if mode == "required" else ()
    return ToolChoice(allowed, must_call, {"type": "allowed_tools", "mode": mode, "tools": shown})


def _name(tool: object, names: Sequence[str]) -> str:
    match tool:
        case {"type": "function", "function": {"name": str(name)}} | {"type": "function", "name": str(name)}:
            pass
        case _:
            raise _unknown("a function with a name")
    if name not in names:
        raise refused("tool_choice", f"There is no tool {name[:60]} among the tools.")
    return name


def _some(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        raise refused("tool_choice", "There are no tools of which one could be required.")
    return tuple(names)


def _unknown(expected: str) -> MecumError:
    return refused("tool_choice", f"The entity understands {expected}.")
