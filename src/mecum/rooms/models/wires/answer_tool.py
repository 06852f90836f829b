"""An answer under a schema as the call of a tool of our own: for wires where that is the way that always works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mecum.rooms.models import ModelRequest, ToolSpec
from mecum.rooms.models.wires.jsons import JsonObject, dumps

ANSWER_TOOL = "give_answer"
VALUE = "value"


@dataclass(frozen=True, slots=True)
class AnswerTool:
    """The tool whose input is the answer.

    Args:
        wrapped: the answer is a member of the input, because an input has to be an object.
    """

    spec: ToolSpec
    wrapped: bool

    def answer(self, given: JsonObject) -> str:
        """The answer in the input `given`."""
        return dumps(given.get(VALUE) if self.wrapped else given).decode()


def answer_tool(request: ModelRequest) -> AnswerTool | None:
    """The tool for an answer to `request`; None where it wants no schema."""
    if request.json_schema is None:
        return None
    name = ANSWER_TOOL
    while name in (tool.name for tool in request.tools):
        name += "_"
    wrapped = request.json_schema.get("type") != "object"
    wanted = _wrapped(request.json_schema) if wrapped else request.json_schema
    return AnswerTool(ToolSpec(name, "Gives the answer to the person.", wanted), wrapped)


def _wrapped(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = {name: part for name, part in schema.items() if name != "$defs"}
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {"type": "object", "properties": {VALUE: inner}, "required": [VALUE], **definitions}
