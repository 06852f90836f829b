from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.rooms.models.planning.schema import Bounds, bounded

NAMES = st.sampled_from(["city", "when", "text", "a/b", "~", "名"])
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)
LEAVES = st.one_of(
    st.just(True),
    st.just({}),
    st.fixed_dictionaries({"type": st.just("string")}, optional={"maxLength": st.integers(0, 9999)}),
    st.fixed_dictionaries({"type": st.just("string"), "format": st.sampled_from(["date", "date-time", "email"])}),
    st.fixed_dictionaries({"type": st.sampled_from(["integer", "number"])}, optional={"minimum": st.integers(-9, 0)}),
    st.fixed_dictionaries({"type": st.lists(st.sampled_from(["string", "null", "array", "object"]), unique=True)}),
    st.fixed_dictionaries({"enum": st.lists(SCALARS, max_size=80)}),
    st.fixed_dictionaries({"const": SCALARS}),
    st.fixed_dictionaries({"$ref": st.sampled_from(["#", "#/$defs/one", "#/$defs/none", "https://elsewhere.example"])}),
)


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=4)},
            optional={"required": st.lists(NAMES, max_size=3), "additionalProperties": st.booleans() | inner},
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"maxItems": st.integers(0, 99)}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=3)}, optional={"type": st.just("object")}),
        st.fixed_dictionaries({"allOf": st.lists(inner, max_size=3)}),
    )


SCHEMAS = st.recursive(LEAVES, _deeper, max_leaves=12)
ROOTS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(NAMES, SCHEMAS, max_size=4)},
    optional={"$defs": st.fixed_dictionaries({"one": SCHEMAS}), "required": st.lists(NAMES, max_size=3)},
)
KEYWORDS = {
    "type", "enum", "const", "anyOf", "properties", "required", "additionalProperties",
    "items", "minItems", "maxItems", "maxLength", "minimum", "maximum",
}  # fmt: skip


def parts(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """`schema` and all schemas in it."""
    inner = [
        *schema.get("anyOf", ()),
        *schema.get("properties", {}).values(),
        *([schema["items"]] if "items" in schema else []),
    ]
    return [schema, *(part for each in inner for part in parts(each))]


def endless(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Parts of `schema` that do not end."""
    return [part for part in parts(schema) if _is_endless(part)]


def _is_endless(schema: Mapping[str, Any]) -> bool:
    if "const" in schema or "anyOf" in schema:
        return False
    if "enum" in schema:
        return len(schema["enum"]) > Bounds().choices
    match schema.get("type"):
        case "string":
            return schema.get("maxLength", 10**9) > Bounds().string_chars
        case "array":
            return schema.get("maxItems", 10**9) > Bounds().items
        case "object":
            return schema.get("additionalProperties") is not False
        case "integer" | "number" | "boolean" | "null":
            return False
        case _:
            return True


@given(ROOTS)
def test_whatever_the_schema_its_finite_form_ends_and_uses_few_keywords(schema: dict[str, Any]) -> None:
    finite = bounded(schema).schema
    assert not endless(finite)
    assert len(parts(finite)) <= 20 * Bounds().nodes
    assert {keyword for part in parts(finite) for keyword in part} <= KEYWORDS
    jsonschema_rs.validator_for(dict(finite))  # raises where it is no schema


@given(ROOTS)
def test_bounding_twice_changes_nothing_more(schema: dict[str, Any]) -> None:
    once = bounded(schema).schema
    assert bounded(once).schema == once


def values_of(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """What a grammar made from a finite schema can write."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([values_of(each) for each in schema["anyOf"]])
    match schema["type"]:
        case "string":
            return st.text(max_size=schema["maxLength"])
        case "array":
            return st.lists(values_of(schema["items"]), min_size=schema.get("minItems", 0), max_size=schema["maxItems"])
        case "object":
            inner = {name: values_of(each) for name, each in schema["properties"].items()}
            required = {name: inner.pop(name) for name in schema["required"]}
            return st.fixed_dictionaries(required, optional=inner)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return st.floats(schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case _:
            return st.none()


SIMPLE = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 0, "maxLength": 40},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "units": {"enum": ["metric", "imperial"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "at": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "more": {"$ref": "#/$defs/more"},
    },
    "required": ["city", "units"],
    "$defs": {"more": {"type": "object", "properties": {"deep": {"type": "boolean"}}, "required": ["deep"]}},
}


@given(values_of(bounded(SIMPLE).schema))
def test_what_the_finite_form_allows_the_tools_own_schema_allows(value: dict[str, Any]) -> None:
    jsonschema_rs.validate(SIMPLE, value)


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {"type": "object", "properties": {"child": {"$ref": "#"}, "also": {"$ref": "#"}, "name": {"type": "string"}}}
    assert not endless(bounded(tree).schema)
    assert not endless(bounded({"type": "object", "allOf": [{"$ref": "#"}]}).schema)


def test_required_names_come_first_and_are_never_left_out() -> None:
    many = {f"p{n}": {"type": "string"} for n in range(40)}
    finite = bounded({"type": "object", "properties": many, "required": ["p39", "unknown"]}).schema
    assert list(finite["properties"])[:2] == ["p39", "unknown"] and len(finite["properties"]) == 16


@pytest.mark.parametrize("kind", ["date", "date-time", "time"])
def test_dates_are_phrases_wherever_they_stand(kind: str) -> None:
    when = {"type": "string", "format": kind}
    finite = bounded(
        {
            "type": "object",
            "properties": {
                "when": when,
                "or": {"anyOf": [when, {"type": "null"}]},
                "all": {"type": "array", "items": {"type": "object", "properties": {"at": when}}},
            },
        }
    )
    assert finite.dates == {("when",): kind, ("or",): kind, ("all", "*", "at"): kind}
    assert finite.schema["properties"]["when"] == {"type": "string", "maxLength": 80}


def test_patterns_and_formats_are_left_to_the_check_afterwards() -> None:
    finite = bounded({"type": "object", "properties": {"mail": {"type": "string", "format": "email", "pattern": "@"}}})
    assert finite.schema["properties"]["mail"] == {"type": "string", "maxLength": 500}
    assert not finite.dates


def test_the_finite_form_is_json() -> None:
    assert json.loads(json.dumps(bounded(SIMPLE).schema)) == bounded(SIMPLE).schema
