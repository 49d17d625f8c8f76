"""What the shell commands do with an open application; the same function runs in the command or in the server that owns the folder.

Each takes the application, `emit` for what comes before the result, and its arguments as they travel in JSON; it returns the JSON result.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bot.lessons import checked_cot, checked_shots
from bot.messages import Answer, Delta, Request
from ui import audit, operations_canned, operations_desk, operations_documents, operations_reports, operations_settings
from ui.errors import Failure
from ui.learning import DESK_OPERATIONS as LEARNING
from ui.loopback import Emit
from ui.operations_backends import BACKENDS, compare_backends
from ui.operations_backup import DESK_OPERATIONS as BACKUP
from ui.operations_customers import DESK_OPERATIONS as CUSTOMERS
from ui.operations_examples import DESK_OPERATIONS as EXAMPLES
from ui.operations_examples import OPERATIONS as REASONING
from ui.operations_finetune import DESK_OPERATIONS as TRANSCRIPTS
from ui.operations_prompts import DESK_OPERATIONS as PROMPTS
from ui.operations_prompts import OPERATIONS as PREVIEW
from ui.operations_training import OPERATIONS as POOL_TRAINING
from ui.operations_training import TRAINING
from ui.operations_tuning import DESK_OPERATIONS as REGISTRY
from ui.operations_tuning import TUNING
from ui.operations_users import DESK_OPERATIONS as USERS
from ui.shapes import answer_json, hits_json, keys_json
from ui.watching import DESK_OPERATIONS as WATCHING

if TYPE_CHECKING:
    from ui.build import App, Desk

NOTHING_LOADED: dict[str, Any] = {
    "loaded": False, "documents": 0, "chunks": 0, "added": 0, "unchanged": 0, "removed": 0, "failed": [], "seconds": 0.0,
}  # fmt: skip
"""What `sample` says where the sample shop was loaded before."""


def ask(
    app: "App",
    emit: Emit,
    *,
    text: str,
    conversation: str | None = None,
    customer: str | None = None,
    backend: str | None = None,
    shots: str | None = None,
    cot: str | None = None,
) -> dict[str, Any]:
    """Put one question to the bot. Who asks from the shell without a customer is one of their own for each conversation."""
    conversation = conversation or uuid4().hex
    teaching = taught(shots, cot)
    request = Request(text, conversation, customer or f"shell-{conversation}", backend=backend, **teaching)
    app.labels.wait()  # in a process of its own it would end before it knew any: the answer is to be the same with a server and without
    with closing(app.router.turn(request)) as events:  # type: ignore[type-var]
        for event in events:
            if isinstance(event, Delta):
                emit({"delta": event.text})
            elif isinstance(event, Answer):
                return answer_json(event)
    raise Failure("The turn ended without an answer; look at the log.")


def taught(shots: str | None, cot: str | None) -> dict[str, Any]:
    """`--shots` and `--cot` as a request has them. Raises `Failure` for what is not allowed."""
    try:
        return {"shots": None if shots is None else checked_shots(shots), "cot": None if cot is None else checked_cot(cot)}
    except ValueError as error:
        raise Failure(f"{error}.", 2) from None


def search(app: "App", emit: Emit, *, text: str, k: int = 5, collection: str = "default") -> dict[str, Any]:  # noqa: ARG001
    """Passages that fit `text`, best first. note: why there can be none, where there is no such collection."""
    found = hits_json(app.index.search(text, k, collection))
    if found["hits"] or collection in (known := app.index.collections()):
        return found
    there = f"there are: {', '.join(known)}" if known else "there is none yet; `answerdesk ingest PATH` makes one"
    return {**found, "note": f"There is no collection {collection[:80]!r}; {there}."}


def ingest(app: "App", emit: Emit, *, paths: list[str], collection: str = "default") -> dict[str, Any]:
    """Take documents in. The paths are absolute."""

    def progress(done: int, total: int, name: str) -> None:
        emit({"progress": {"done": done, "total": total, "name": name}})

    return asdict(app.index.ingest([Path(path) for path in paths], collection, progress))


def sampled(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """Whether the sample shop was loaded before."""
    return {"loaded": bool(app.store.get_setting("sample"))}


def sample(app: "App", emit: Emit) -> dict[str, Any]:
    """Load the sample shop, unless it was loaded before: a shop that removed it does not get it back."""
    if app.store.get_setting("sample"):
        return NOTHING_LOADED
    with as_file(files("ui") / "sample_shop") as folder:
        report = ingest(app, emit, paths=[str(folder)])
    app.store.set_setting("sample", value=True)
    return {"loaded": True, **report}


def add_key(app: "App | Desk", emit: Emit, *, name: str, by: str = "shell") -> dict[str, Any]:  # noqa: ARG001
    """Make an API key."""
    try:
        key = app.store.add_key(name)
    except ValueError as error:
        raise Failure(str(error), 2) from None
    audit.record(app.engine, by, "keys.add", name)
    return {"name": name, "key": key}


def list_keys(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """All API keys, without their secrets."""
    return keys_json(app.store.keys())


def revoke_key(app: "App | Desk", emit: Emit, *, name: str, by: str = "shell") -> dict[str, Any]:  # noqa: ARG001
    """End an API key."""
    if not app.store.revoke_key(name):
        valid = [key.name for key in list(app.store.keys()) if not key.revoked]
        known = ", ".join(valid) or "none"
        raise Failure(f"There is no valid key {name!r}; valid keys: {known}.", 2)
    audit.record(app.engine, by, "keys.revoke", name)
    return {"name": name, "revoked": True}


DESK_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    **{operation.__name__: operation for operation in (sampled, add_key, list_keys, revoke_key)},
    **BACKENDS,
    **BACKUP,
    **CUSTOMERS,
    **operations_canned.DESK_OPERATIONS,
    **operations_desk.DESK_OPERATIONS,
    **operations_documents.DESK_OPERATIONS,
    **operations_reports.DESK_OPERATIONS,
    **operations_settings.DESK_OPERATIONS,
    **EXAMPLES,
    **LEARNING,
    **TRANSCRIPTS,
    **REGISTRY,
    **PROMPTS,
    **TRAINING,
    **USERS,
    **WATCHING,
}
"""Those that need the database alone."""

OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    **DESK_OPERATIONS,
    **{operation.__name__: operation for operation in (ask, compare_backends, search, ingest, sample)},
    **PREVIEW,
    **operations_canned.OPERATIONS,
    **operations_desk.OPERATIONS,
    **operations_documents.OPERATIONS,
    **REASONING,
    **POOL_TRAINING,
    **TUNING,
}
