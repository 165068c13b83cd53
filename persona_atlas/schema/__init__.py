"""Versioned JSON Schemas (2020-12), one per record kind, and validation against them.

    >>> validate("user", {"persona_id": "me"})
    Traceback (most recent call last):
    persona_atlas.schema.SchemaError: user: at persona_id found 'me', wanted text matching ^u-(train|validation|test|test_ood)-[0-9]{6}$

Validation is compiled (jsonschema-rs). Only a record that fails is checked again with jsonschema, for the error message.
"""

import json
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from persona_atlas.records import SCHEMA_VERSION
from persona_atlas.short import short

KINDS = ("user", "conversation", "item", "utterance", "manifest", "results", "sample", "run", "submission")

LONGEST = 80
"""How many characters of a value or a path a message shows."""
LOOKED_AT = 100
"""How many errors of a failed record are examined to find the most telling one, and the longest list that is searched for duplicates then."""


class SchemaError(ValueError):
    """A record does not match its schema. The message names the kind, the path, the value found and the value wanted."""


@cache
def schema(kind: str, version: int = SCHEMA_VERSION) -> dict[str, Any]:
    """Return the JSON Schema of a record kind. Raises SchemaError if this package has none for the kind and version."""
    if kind not in KINDS:
        raise SchemaError(f"{kind!r} is no kind of record; kinds are {', '.join(KINDS)}")
    path = files("persona_atlas.schema").joinpath(f"v{version}", f"{kind}.json")
    if not path.is_file():
        raise SchemaError(f"{kind}: schema version {version} is not known here (known: 1 to {SCHEMA_VERSION}); install a newer persona-atlas")
    return dict(json.loads(path.read_text(encoding="utf-8")))


@cache
def _compiled(kind: str, version: int) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema(kind, version))


def validate(kind: str, data: Any, version: int = SCHEMA_VERSION) -> None:
    """Raise SchemaError unless `data` (plain dicts and lists) matches the schema of `kind`."""
    if not _compiled(kind, version).is_valid(data):
        raise SchemaError(_message(kind, data, version))


def _message(kind: str, data: Any, version: int) -> str:
    from jsonschema.exceptions import best_match

    error = best_match(islice(_speaking()(schema(kind, version)).iter_errors(data), LOOKED_AT))
    if error is None:
        return f"{kind}: not valid against schema version {version}"
    path = "/".join(map(str, error.absolute_path)) or "the top"
    return f"{kind}: at {short(path, LONGEST)} found {_found(error.instance)}, wanted {_wanted(error)}"


@cache
def _speaking() -> Any:
    """Return jsonschema's validator class, changed to ignore `uniqueItems` for long lists, where it could take minutes."""
    from jsonschema import Draft202012Validator, validators

    unique = Draft202012Validator.VALIDATORS["uniqueItems"]

    def few(validator: Any, wanted: Any, instance: Any, schema: Any) -> Any:
        return unique(validator, wanted, instance, schema) if not isinstance(instance, list) or len(instance) <= LOOKED_AT else ()

    return validators.extend(Draft202012Validator, {"uniqueItems": few})


def _wanted(error: Any) -> str:
    match error.validator:
        case "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            return f"the key{'s' if len(missing) > 1 else ''} {', '.join(missing)} as well"
        case "additionalProperties":
            known = error.schema.get("properties", {})
            unknown = [key for key in error.instance if key not in known]
            return f"no key {short(', '.join(unknown[:10]), LONGEST)}; known keys are {', '.join(known)}"
        case "enum":
            return f"one of {', '.join(map(str, error.validator_value))}"
        case "type":
            wanted = error.validator_value
            return " or ".join(wanted) if isinstance(wanted, list) else str(wanted)
        case "pattern":
            return f"text matching {error.validator_value}"
        case "anyOf":
            return " or ".join(str(option.get("type", option)) for option in error.validator_value)
        case "const":
            return str(error.validator_value)
        case "minimum":
            return f"at least {error.validator_value}"
        case "maximum":
            return f"at most {error.validator_value}"
        case "minItems":
            return f"at least {error.validator_value} {'entry' if error.validator_value == 1 else 'entries'}"
        case "minLength":
            return "a text that is not empty"
        case "maxLength":
            return f"at most {error.validator_value:,} characters"
        case _:
            return short(str(error.message), 200)


def _found(value: Any) -> str:
    return short(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else repr(value), LONGEST)
