"""What `answerdesk settings` and the admin's page say about the settings, and what doctor finds while the product runs."""

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk

_PASSWORD = re.compile(r"(?<=://)([^/@:]*):([^/@]+)@")


def show_settings(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """Every setting in force, and where its value comes from: command, environment, file or default. Secrets are only said to be set."""
    settings = app.settings
    return {
        "settings": [
            {
                "name": name,
                "value": _masked(getattr(settings, name)),
                "secret": isinstance(getattr(settings, name), SecretStr),
                "from": settings.origin(name),
                "variable": f"ANSWERDESK_{name.upper()}",
                "about": field.description or "",
            }
            for name, field in type(settings).model_fields.items()
        ]
    }


def _masked(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return "***" if value.get_secret_value() else ""
    if isinstance(value, str):
        return _PASSWORD.sub(r"\1:***@", value)
    return value if isinstance(value, bool | int | float | list) or value is None else str(value)


def find_faults(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """What `answerdesk doctor --fast` finds, seen from the running server."""
    from ui.commands.shell import Tools
    from ui.doctor import findings

    found = [asdict(finding) for finding in findings(app.settings, Tools(), fast=True)]
    return {"ok": all(finding["state"] != "broken" for finding in found), "findings": found}


DESK_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {operation.__name__: operation for operation in (show_settings, find_faults)}
