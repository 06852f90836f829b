"""Requests in Gemini's wire (Gemini API reference, `models.streamGenerateContent`)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from mecum.rooms.models import Content, ImagePart, Message, ModelRequest, TextPart, ToolSpec, ToolUse
from mecum.rooms.models.wires.answer_tool import AnswerTool, answer_tool
from mecum.rooms.models.wires.gemini_stream import SIGNATURE, signed
from mecum.rooms.models.wires.jsons import JsonObject, loads, obj, text
from mecum.rooms.models.wires.keeping import pieces
from mecum.rooms.models.wires.turns import turns

LEVELS = {"fast": "LOW", "think": "HIGH"}
SAMPLING = {"temperature": "temperature", "top_p": "topP", "seed": "seed"}
PENALTIES = {"frequency_penalty": "frequencyPenalty", "presence_penalty": "presencePenalty"}
BUDGETS = {"fast": 512, "think": 16_384}
"""Tokens for thoughts, for models that take a number; within what each of them allows."""
UNSIGNED = "skip_thought_signature_validator"
"""What the wire wants in place of the signature of a call that somebody else made, or that is not kept."""
OF_SIGNATURE = re.compile(r"thought.?signature", re.IGNORECASE)
PENALTY = re.compile(r"penalt", re.IGNORECASE)
STOPS_MAX = 5
"""The wire takes no more; the others are looked for in the answer itself."""
LEVEL = re.compile(r"thinking.?level", re.IGNORECASE)

Signature = Callable[[str], str]
"""The signature that came with the call of that id; "" where there is none."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model takes of the wire, as far as its refusals have told.

    Args:
        levels: whether it is told how hard to think; older ones want a number of tokens.
        signed: whether a call of an earlier turn must have a signature.
        returned: whether it takes its earlier signatures back as they were kept.
        penalties: whether it can be told to repeat itself less.
    """

    thinking: bool = True
    levels: bool = True
    signed: bool = False
    returned: bool = True
    penalties: bool = True


def learned(terms: Terms, body: JsonObject, said: str) -> Terms:
    """`terms` after `body` was refused with the words `said`; the same where there is nothing to learn from them."""
    thinking = obj(obj(body.get("generationConfig")).get("thinkingConfig"))
    if OF_SIGNATURE.search(said):
        return replace(terms, signed=True, returned=not _has_signatures(body))
    if PENALTY.search(said) and terms.penalties:
        return replace(terms, penalties=False)
    if LEVEL.search(said) and "thinkingLevel" in thinking:
        return replace(terms, levels=False)
    if "thinking" in said.casefold() and thinking:
        return replace(terms, thinking=False)
    return terms


def _has_signatures(body: JsonObject) -> bool:
    """Whether earlier signatures are given back in it."""
    return any(part.get(SIGNATURE, UNSIGNED) != UNSIGNED for turn in body["contents"] for part in turn["parts"])


def answers_by(request: ModelRequest) -> AnswerTool | None:
    """The tool that is called instead of an answer under a schema, which many models don't give beside tools."""
    return answer_tool(request) if request.tools else None


def build(request: ModelRequest, terms: Terms, signature: Signature, by: str = "") -> JsonObject:
    """`request` as the body of a call. The model and the stream stand in its address.

    Args:
        by: whose signatures are given back, see `keeping.tag`. signature: of calls whose message has none.
    """
    answering = answers_by(request)
    names = {use.id: use.name for message in request.messages for use in message.tool_uses}
    system, contents = turns(
        request.messages, "model", "parts", lambda message: _parts(message, names, terms, signature, by)
    )
    body: JsonObject = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    tools = [*request.tools, *([answering.spec] if answering is not None else [])]
    if tools:
        body["tools"] = [{"functionDeclarations": [_tool(tool) for tool in tools]}]
        if request.must_call or answering is not None:
            body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY"}}
    config = _config(request, terms)
    if request.json_schema is not None and answering is None:
        config |= {"responseMimeType": "application/json", "responseJsonSchema": request.json_schema}
    return body | ({"generationConfig": config} if config else {})


def _config(request: ModelRequest, terms: Terms) -> JsonObject:
    config: JsonObject = {}
    if request.max_tokens is not None:
        config["maxOutputTokens"] = request.max_tokens
    sampling = {**SAMPLING, **(PENALTIES if terms.penalties else {})}
    config |= {said: value for name, said in sampling.items() if (value := getattr(request, name)) is not None}
    if request.stop:
        config["stopSequences"] = list(request.stop[:STOPS_MAX])
    if request.effort in LEVELS and terms.thinking:
        wanted: JsonObject = {"thinkingBudget": BUDGETS[request.effort]}
        if terms.levels:
            wanted = {"thinkingLevel": LEVELS[request.effort]}
        config["thinkingConfig"] = {"includeThoughts": True, **wanted}
    return config


def _tool(tool: ToolSpec) -> JsonObject:
    declared: JsonObject = {"name": tool.name, "description": tool.description}
    # A tool without parameters has no schema here: one of an empty object is refused.
    schema = {"type": "object", **tool.parameters} if tool.parameters.get("properties") else None
    return declared | ({"parametersJsonSchema": schema} if schema is not None else {})


def _parts(message: Message, names: dict[str, str], terms: Terms, signature: Signature, by: str) -> list[JsonObject]:
    if message.role == "tool":
        call_id = message.tool_use_id or ""
        said = "".join(part.text for part in message.content if isinstance(part, TextPart))
        images = [_part(part) for part in message.content if isinstance(part, ImagePart)]
        response = {"id": call_id, "name": names.get(call_id, call_id), "response": {"output": said}}
        return [{"functionResponse": response}, *images]
    if message.role != "assistant":
        return [_part(part) for part in message.content if not isinstance(part, TextPart) or part.text]
    parts: list[JsonObject] = []
    for piece in pieces(message, by if terms.returned else ""):
        if isinstance(piece.said, ToolUse):
            kept = text(piece.own.get(SIGNATURE)) or (signature(piece.said.id) if terms.returned else "")
            # Of calls made together only the first has one.
            is_first = not any("functionCall" in part for part in parts)
            parts.append(_call(piece.said) | signed(kept or (UNSIGNED if terms.signed and is_first else "")))
        else:
            parts.append({"text": piece.said or "", **piece.own})
    return parts


def _call(use: ToolUse) -> JsonObject:
    arguments = obj(loads(use.arguments.encode("utf-8", "replace")))
    return {"functionCall": {"id": use.id, "name": use.name, "args": arguments}}


def _part(part: Content) -> JsonObject:
    if isinstance(part, ImagePart):
        return {"inlineData": {"mimeType": part.media_type, "data": base64.b64encode(part.data).decode()}}
    return {"text": part.text}
