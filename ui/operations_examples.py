"""What `answerdesk examples` does: the approved pool, through the database alone."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.choices import Choice, Choices
from bot.examples import Pool, redacted
from bot.messages import Example
from bot.rationales import reasoned
from bot.versions import PromptVersions
from knowledge.language import detect
from ui import audit
from ui.errors import Failure
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk

STATES = ("pending", "approved", "rejected")
_GIVEN = ("question", "answer", "language", "evidence", "source", "reasoning", "intent", "conversation", "customer", "corrects")


def list_examples(app: "App | Desk", emit: Emit, *, state: str | None = None, language: str | None = None) -> dict[str, Any]:  # noqa: ARG001
    """The pool, oldest first."""
    for name, value, allowed in (("state", state, STATES), ("language", language, ("en", "zh", "other"))):
        if value is not None and value not in allowed:
            raise Failure(f"{name} is {value!r}; allowed: {', '.join(allowed)}.", 2)
    return _json(Pool(app.engine).list(state, language))  # type: ignore[arg-type]


def add_examples(app: "App | Desk", emit: Emit, *, rows: list[dict[str, Any]], approve: bool, author: str) -> dict[str, Any]:  # noqa: ARG001
    """Take examples in; near-duplicates of what is there are left out."""
    given = [example_of(row, number, "approved" if approve else "pending") for number, row in enumerate(rows, 1)]
    new = [redacted(example) if example.customer or example.conversation else example for example in given]  # a customer's words are in it
    added = Pool(app.engine).add_all(new, author)
    kept = _json([each.example for each in added if not each.duplicate])
    return kept | {"added": len(kept["examples"]), "duplicates": [each.example.id for each in added if each.duplicate]}


def decide_examples(app: "App | Desk", emit: Emit, *, ids: list[str], approve: bool, author: str, why: str = "") -> dict[str, Any]:  # noqa: ARG001
    """Approve or reject."""
    pool = Pool(app.engine)
    for id in ids:  # noqa: A001  (all or none: a wrong id changes nothing)
        pool.get(id)
    decided = [pool.approve(id, author) if approve else pool.reject(id, author, why) for id in ids]  # noqa: A001
    for id in ids:  # noqa: A001
        audit.record(app.engine, author, "examples.approve" if approve else "examples.reject", id, why)
    return _json(decided)


def edit_example(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    example: str,
    author: str,
    texts: dict[str, str],
    why: str = "",
) -> dict[str, Any]:
    """Change some texts of an example; its state stays."""
    changed = Pool(app.engine).edit(example, author, why, **texts)
    audit.record(app.engine, author, "examples.edit", example, ", ".join(sorted(texts)))
    return _json([changed])


def teaching(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """What prompts are made with, for measuring elsewhere: approved examples of the training side, prompt versions, measured choices.

    held_out: the approved examples of the evaluation side, which are never shown.
    """
    pool, versions = Pool(app.engine), PromptVersions(app.engine).history()
    return {
        "examples": _json(pool.list("approved", split="train"))["examples"],
        "held_out": _json(pool.list("approved", split="eval"))["examples"],
        "prompts": [asdict(version.wording) for version in reversed(versions) if version.wording.version],
        "choices": [asdict(choice) for choice in Choices(app.engine).all()],
    }


def keep_choices(app: "App | Desk", emit: Emit, *, choices: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG001
    """Put measured choices in force: the next turn with `shots` on auto obeys."""
    Choices(app.engine).replace(tuple(Choice(**choice) for choice in choices))
    return {"choices": [asdict(choice) for choice in Choices(app.engine).all()]}


def reason_examples(app: "App", emit: Emit, *, backend: str, author: str) -> dict[str, Any]:
    """Have a model write how each approved example's answer follows from its evidence, where nobody has. Returns what was written."""
    if backend not in app.backends or app.backends[backend].kind == "extractive":
        able = ", ".join(name for name, found in app.backends.items() if found.kind != "extractive") or "none is set up"
        raise Failure(f"backend is {backend!r}; allowed are those with a language model: {able}.", 2)
    pool = Pool(app.engine)
    wanting = [example for example in pool.list("approved") if example.evidence and not example.reasoning]
    written = []
    for number, example in enumerate(wanting, 1):
        if steps := reasoned(example, app.backends[backend]):
            written.append(pool.edit(example.id, author, f"reasoning by {backend}", reasoning=steps))
        emit({"progress": {"done": number, "total": len(wanting), "name": "reasoning"}})
    return _json(written) | {"written": len(written), "unusable": len(wanting) - len(written)}


def example_of(row: dict[str, Any], number: int, state: Any) -> Example:
    """A row as an example. Raises `Failure` naming the row and what is wrong with it."""
    if wrong := [name for name in _GIVEN if not isinstance(row.get(name, ""), str)]:
        raise Failure(f"Example {number}: {', '.join(wrong)} must be text.", 2)
    given = {name: row[name] for name in _GIVEN if row.get(name)}
    given.setdefault("language", detect(given.get("question", "")) or "en")
    return Example("", given.pop("question", ""), given.pop("answer", ""), state=state, **given)


def _json(found: Any) -> dict[str, Any]:
    return {"examples": [asdict(example) for example in found]}


DESK_OPERATIONS = {
    operation.__name__: operation for operation in (list_examples, add_examples, decide_examples, edit_example, teaching, keep_choices)
}
OPERATIONS = {"reason_examples": reason_examples}
