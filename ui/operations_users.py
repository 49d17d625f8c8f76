"""What the shell and the admin's page do with accounts. Each change is in the audit log; a password is shown once and kept nowhere."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ui import audit
from ui.accounts import Accounts, User
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk


def add_user(app: "App | Desk", emit: Emit, *, name: str, role: str, shown: str = "", by: str = "shell") -> dict[str, Any]:  # noqa: ARG001
    """Make a user with a one-time password."""
    password = Accounts(app.engine).add(name, role, shown)
    audit.record(app.engine, by, "users.add", name, role)
    return {"name": name, "role": role, "password": password}


def list_users(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """All users, without their passwords."""
    return {"users": [_json(user) for user in Accounts(app.engine).list()]}


def disable_user(app: "App | Desk", emit: Emit, *, name: str, disabled: bool = True, by: str = "shell") -> dict[str, Any]:  # noqa: ARG001
    """Shut a user out at once, or let them in again."""
    Accounts(app.engine).disable(name, disabled=disabled)
    audit.record(app.engine, by, "users.disable" if disabled else "users.enable", name)
    return {"name": name, "disabled": disabled}


def reset_user(app: "App | Desk", emit: Emit, *, name: str, by: str = "shell") -> dict[str, Any]:  # noqa: ARG001
    """A new one-time password, and the end of the user's sessions."""
    password = Accounts(app.engine).reset(name)
    audit.record(app.engine, by, "users.reset", name)
    return {"name": name, "password": password}


def list_audit(app: "App | Desk", emit: Emit, *, limit: int = 100) -> dict[str, Any]:  # noqa: ARG001
    """Who changed what, the newest first."""
    return {
        "entries": [
            {"at": entry.at.isoformat(), "who": entry.who, "what": entry.what, "about": entry.about, "detail": entry.detail}
            for entry in audit.entries(app.engine, limit)
        ]
    }


def _json(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "role": user.role,
        "shown": user.shown,
        "state": "disabled" if user.disabled else "one-time password" if user.must_change else "active",
        "created": user.created.isoformat(),
        "last_seen": user.last_seen.isoformat() if user.last_seen else None,
    }


DESK_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    operation.__name__: operation for operation in (add_user, list_users, disable_user, reset_user, list_audit)
}
