"""Prints answerdesk.toml.example: every setting with what it means, what is allowed and its default. `make docs` writes the file."""

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from ui.settings import Settings

_HEAD = """\
# Every setting of Answerdesk with its default. Copy this to answerdesk.toml in the folder you start it in, and take the # off the lines
# that you change. Each is also a variable of the environment, which wins: `port` is ANSWERDESK_PORT. Lists are JSON there: '["a", "b"]'.
"""
_BOUNDS = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}


def render() -> str:
    """The whole file."""
    return "\n".join((_HEAD, *(_entry(name, field) for name, field in Settings.model_fields.items())))


def _entry(name: str, field: FieldInfo) -> str:
    allowed = _allowed(field)
    lines = [f"# {field.description}{f' Allowed: {allowed}.' if allowed else ''}"]
    lines.append(f"# {name} =" if field.default is None else f"# {name} = {_toml(field.default)}")
    return "\n".join(lines) + "\n"


def _allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(get_args(field.annotation))
    found = ((bound, getattr(rule, bound, None)) for rule in field.metadata for bound in _BOUNDS)
    return ", ".join(_BOUNDS[bound].format(value) for bound, value in found if value is not None)


def _toml(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


if __name__ == "__main__":
    print(render(), end="")
