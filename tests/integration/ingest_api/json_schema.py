"""As much of JSON Schema 2020-12 as our OpenAPI uses; an unknown keyword is an error, so nothing passes unchecked."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
IGNORED = {"title", "description", "examples", "default", "format"}
LIMITS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, limit: bool(value >= limit),
    "maximum": lambda value, limit: bool(value <= limit),
    "exclusiveMinimum": lambda value, limit: bool(value > limit),
    "maxLength": lambda value, limit: len(value) <= limit,
    "maxItems": lambda value, limit: len(value) <= limit,
    "pattern": lambda value, limit: re.search(limit, value) is not None,
    "const": lambda value, limit: bool(value == limit),
    "enum": lambda value, limit: value in limit,
    "required": lambda value, names: value.keys() >= set(names),
}


def faults(value: Any, schema: Schema, document: Schema, path: str = "$") -> Iterator[str]:
    """What is wrong with a value under a schema of this OpenAPI document."""
    if "type" in schema and not _is_of_type(value, schema["type"]):
        yield f"{path} is no {schema['type']}"
        return
    for keyword, rule in schema.items():
        if keyword in LIMITS:
            if not LIMITS[keyword](value, rule):
                yield f"{path} breaks {keyword} {rule}"
        elif keyword in ("anyOf", "oneOf"):
            matching = sum(not list(faults(value, each, document, path)) for each in rule)
            if matching < 1 or (keyword == "oneOf" and matching > 1):
                yield f"{path} matches {matching} of {keyword}"
        else:
            for inner, of_inner, name in _inside(keyword, value, schema, document):
                yield from faults(inner, of_inner, document, path + name)


def resolve(reference: str, document: Schema) -> Schema:
    """What a ``$ref`` within the document points at."""
    assert reference.startswith("#/")
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def _is_of_type(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


_NOTHING: Schema = {"enum": []}


def _inside(keyword: str, value: Any, schema: Schema, document: Schema) -> Iterator[tuple[Any, Schema, str]]:
    """The values that a keyword has other schemas for, and where they are."""
    rule = schema[keyword]
    match keyword:
        case "$ref":
            yield value, resolve(rule, document), ""
        case "items":
            yield from ((item, rule, f"[{number}]") for number, item in enumerate(value))
        case "properties":
            yield from ((value[name], rule[name], f".{name}") for name in rule.keys() & value.keys())
        case "additionalProperties":
            others = value.keys() - schema.get("properties", {}).keys()
            of_others = _NOTHING if rule is False else {} if rule is True else rule
            yield from ((value[name], of_others, f".{name}") for name in others)
        case "type":
            pass
        case _:
            assert keyword in IGNORED, f"this validator does not know {keyword}"
