"""Makes any JSON Schema finite: every string, list and object ends, so that a small model can't write forever.

Weak models run to the token limit inside a string or a list and leave invalid JSON. The result uses few keywords, those
that llama.cpp turns into a grammar: type, enum, const, anyOf, properties, required, additionalProperties, items,
minItems, maxItems, maxLength, minimum, maximum. What it allows, the original allows too, except where patterns, formats
and conditions were left out: a call still has to be checked against the tool's own schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

Schema: TypeAlias = Mapping[str, Any]
KeyPath: TypeAlias = tuple[str, ...]

ANY_ITEM = "*"
"""In a path: every item of a list."""

DATE_FORMATS = frozenset(("date", "date-time", "time", "duration"))


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most of everything. A smaller bound of the schema itself holds. `nodes`: of schemas within the schema."""

    string_chars: int = 500
    phrase_chars: int = 80
    items: int = 8
    properties: int = 16
    choices: int = 64
    depth: int = 5
    nodes: int = 200


@dataclass(frozen=True, slots=True)
class Bounded:
    """A finite schema, and its dates by their paths: strings that hold words to be understood by code, in a format."""

    schema: Schema
    dates: Mapping[KeyPath, str]


def bounded(schema: Schema, bounds: Bounds | None = None) -> Bounded:
    """`schema` (2020-12 or older) made finite. Never fails: what can't be understood becomes a short string."""
    work = _Bounding(schema, bounds or Bounds())
    return Bounded(work.of(schema, (), 0), work.dates)


class _Bounding:
    def __init__(self, root: Schema, bounds: Bounds) -> None:
        self._root = root
        self._bounds = bounds
        self._nodes_left = bounds.nodes
        self.dates: dict[KeyPath, str] = {}

    def of(self, schema: object, path: KeyPath, depth: int) -> dict[str, Any]:
        """The finite form of the schema at `path`."""
        self._nodes_left -= 1
        if not isinstance(schema, Mapping) or depth > self._bounds.depth or self._nodes_left < 0:
            return self._string({}, path)
        here = self._resolved(cast(Schema, schema), self._bounds.depth)
        if "const" in here and _is_scalar(here["const"]):
            return {"const": here["const"]}
        choices = here.get("enum")
        if isinstance(choices, list):
            return self._choice([each for each in cast(list[object], choices) if _is_scalar(each)], path)
        for keyword in ("anyOf", "oneOf"):
            if options := _schemas(here.get(keyword)):
                return {
                    "anyOf": [self.of(_beside(here, each), path, depth + 1) for each in options[: self._bounds.items]]
                }
        return self._of_type(here, path, depth)

    def _of_type(self, here: Schema, path: KeyPath, depth: int) -> dict[str, Any]:
        kind = here.get("type") or _implied_type(here)
        if isinstance(kind, list):
            kinds = [each for each in cast(list[object], kind) if isinstance(each, str)]
            options = [self._of_type({**here, "type": each}, path, depth) for each in kinds]
            return options[0] if len(options) == 1 else {"anyOf": options} if options else self._string(here, path)
        match kind:
            case "object":
                return self._object(here, path, depth)
            case "array":
                return self._array(here, path, depth)
            case "integer" | "number":
                return {"type": kind, **{key: here[key] for key in ("minimum", "maximum") if _is_number(here.get(key))}}
            case "boolean" | "null":
                return {"type": kind}
            case _:
                return self._string(here, path)

    def _string(self, here: Schema, path: KeyPath) -> dict[str, Any]:
        most = self._bounds.string_chars
        if (form := here.get("format")) in DATE_FORMATS:
            self.dates[path] = form
            most = self._bounds.phrase_chars
        return {"type": "string", "maxLength": min(most, _natural(here.get("maxLength"), most))}

    def _choice(self, values: list[Any], path: KeyPath) -> dict[str, Any]:
        return {"enum": values[: self._bounds.choices]} if values else self._string({}, path)

    def _array(self, here: Schema, path: KeyPath, depth: int) -> dict[str, Any]:
        most = min(self._bounds.items, _natural(here.get("maxItems"), self._bounds.items))
        least = min(most, _natural(here.get("minItems"), 0))
        items = self.of(here.get("items", {}), (*path, ANY_ITEM), depth + 1)
        return {"type": "array", "items": items, "maxItems": most} | ({"minItems": least} if least else {})

    def _object(self, here: Schema, path: KeyPath, depth: int) -> dict[str, Any]:
        given = _mapping(here.get("properties"))
        required = list(dict.fromkeys(_names(here.get("required"))))
        optional = [name for name in given if name not in required]
        kept = [*required, *optional[: max(0, self._bounds.properties - len(required))]]
        return {
            "type": "object",
            "properties": {name: self.of(given.get(name, {}), (*path, name), depth + 1) for name in kept},
            "required": required,
            "additionalProperties": False,
        }

    def _resolved(self, schema: Schema, hops: int) -> Schema:
        """`schema` with its local reference and its `allOf` put in place, as far as `hops` go."""
        if hops == 0:
            return {}
        here = schema
        if isinstance(ref := here.get("$ref"), str):
            rest = {key: value for key, value in here.items() if key != "$ref"}
            here = {**self._resolved(self._target(ref), hops - 1), **rest}
        for part in _schemas(here.get("allOf"))[: self._bounds.items]:
            here = _merged(here, self._resolved(part, hops - 1))
        return here

    def _target(self, ref: str) -> Schema:
        target: object = self._root
        for key in ref.removeprefix("#").split("/")[1:] if ref.startswith("#") else ["?"]:
            name = key.replace("~1", "/").replace("~0", "~")
            target = _mapping(target).get(name)
        return _mapping(target)


def _merged(one: Schema, other: Schema) -> Schema:
    """Both at once: properties and required names together, for the rest the first one's word."""
    properties = {**_mapping(other.get("properties")), **_mapping(one.get("properties"))}
    required = [*_names(one.get("required")), *_names(other.get("required"))]
    return {**other, **one, **({"properties": properties} if properties else {}), "required": required}


def _beside(here: Schema, option: Schema) -> Schema:
    """An option together with what stands beside `anyOf`."""
    rest = {key: value for key, value in here.items() if key not in ("anyOf", "oneOf")}
    return _merged(option, rest) if rest else option


def _implied_type(here: Schema) -> str:
    if "properties" in here or "required" in here:
        return "object"
    return "array" if "items" in here else "string"


def _schemas(value: object) -> list[Schema]:
    return (
        [cast(Schema, each) for each in cast(list[object], value) if isinstance(each, Mapping)]
        if isinstance(value, list)
        else []
    )


def _mapping(value: object) -> Mapping[str, object]:
    return cast(Mapping[str, object], value) if isinstance(value, Mapping) else {}


def _names(value: object) -> list[str]:
    return [each for each in cast(list[object], value) if isinstance(each, str)] if isinstance(value, list) else []


def _natural(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
