"""Asking the person: a small form, as a wait that survives everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mecum.kit.errors import Unprocessable
from mecum.kit.tools import Tool, ToolCall, ToolResult

FIELDS_MAX = 8
CHOICES_MAX = 12


class FormField(BaseModel):
    model_config = ConfigDict(extra="ignore")

    label: str = Field(max_length=200)
    type: Literal["text", "number", "date", "yes_no", "choice"] = "text"
    choices: list[str] = Field(default_factory=list[str], max_length=CHOICES_MAX)


class Form(BaseModel):
    model_config = ConfigDict(extra="ignore")

    title: str = Field(max_length=200)
    text: str = Field("", max_length=2_000)
    fields: list[FormField] = Field(min_length=1, max_length=FIELDS_MAX)


async def _call(request: ToolCall) -> ToolResult:
    try:
        form = Form.model_validate(request.arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unprocessable("assistant.form_fields", f"The form is not usable: {where}: {first['msg']}.") from None
    properties = {f"f{i}": _property(field) for i, field in enumerate(form.fields)}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return ToolResult("", wait={"title": form.title, "text": form.text, "schema": schema})


def _property(field: FormField) -> Mapping[str, Any]:
    label = {"title": field.label}
    match field.type:
        case "number":
            return {"type": "number", **label}
        case "date":
            return {"type": "string", "format": "date", **label}
        case "yes_no":
            return {"type": "boolean", **label}
        case "choice":
            return {"type": "string", "enum": [choice[:200] for choice in field.choices] or ["OK"], **label}
        case "text":
            return {"type": "string", "maxLength": 2_000, **label}


ASK_PERSON = Tool(
    name="ask_person",
    description=(
        "Asks the person a short form and waits for the answer. Only when you can't go on without knowing, "
        "and a plain question in your answer would not do."
    ),
    parameters={
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 200},
            "text": {"type": "string", "maxLength": 2_000},
            "fields": {
                "type": "array",
                "minItems": 1,
                "maxItems": FIELDS_MAX,
                "items": {
                    "type": "object",
                    "properties": {
                        "label": {"type": "string", "maxLength": 200},
                        "type": {"enum": ["text", "number", "date", "yes_no", "choice"]},
                        "choices": {
                            "type": "array",
                            "maxItems": CHOICES_MAX,
                            "items": {"type": "string", "maxLength": 200},
                        },
                    },
                    "required": ["label"],
                },
            },
        },
        "required": ["title", "fields"],
        "additionalProperties": False,
    },
    call=_call,
    cues=r"\bask me\b|\bform\b|问我|表单",
)
