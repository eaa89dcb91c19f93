"""Answers that have to follow a JSON schema, looked at again when they are whole.

The engine draws only what the schema allows, once it has thought; what it makes of a schema is its
own reading, and an answer may be cut off. So both are checked by the standard's own reading.

Source: JSON Schema, draft 2020-12; OpenAI's API reference, ``response_format``.
"""

from __future__ import annotations

import json
from typing import Any

from lakelet.errors import CommandError, MissingExtraError

__all__ = ("check_format", "fault_of")


def check_format(asked: Any) -> None:
    """Refuse a ``response_format`` that says nothing an answer could follow.

    Raises:
        CommandError: it is none, or its schema is none.
    """
    if asked is None:
        return
    kinds = ("text", "json_object", "json_schema")
    if not isinstance(asked, dict) or asked.get("type") not in kinds:
        raise CommandError(f"response_format is one of {', '.join(kinds)}; nothing was asked.")
    if asked["type"] != "json_schema":
        return
    schema = _schema(asked)
    if not isinstance(schema, dict | bool):
        raise CommandError("response_format has no json_schema.schema; nothing was asked.")
    jsonschema = _library()
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise CommandError(
            f"the schema is none: {error.message} (at {error.json_path}); nothing was asked."
        ) from None


def fault_of(text: str, asked: Any) -> str | None:
    """What is wrong with an answer that was to follow a format; None for nothing."""
    if not isinstance(asked, dict) or asked.get("type", "text") == "text":
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON: {error}"
    if asked["type"] == "json_object":
        return None if isinstance(found, dict) else "it is no object"
    jsonschema = _library()
    import referencing

    # An empty registry: a schema that names another one by its address fetches nothing.
    validator = jsonschema.Draft202012Validator(_schema(asked), registry=referencing.Registry())
    try:
        wrong = jsonschema.exceptions.best_match(validator.iter_errors(found))
    except referencing.exceptions.Unresolvable as error:
        return f"the schema refers to what is not in it: {error}"
    return None if wrong is None else f"{wrong.message} (at {wrong.json_path})"


def _schema(asked: dict[str, Any]) -> Any:
    inner = asked.get("json_schema")
    return inner.get("schema") if isinstance(inner, dict) else None


def _library() -> Any:
    try:
        import jsonschema
    except ImportError:
        raise MissingExtraError.needs("models", "answers that follow a schema") from None
    return jsonschema
