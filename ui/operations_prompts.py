"""What `answerdesk prompts` does: the versions of what models are told, and the very messages that a turn would send."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, cast

from bot.context import MARKS
from bot.messages import Request
from bot.policy import LAST
from bot.replay import question
from bot.versions import PromptVersions, Version, difference
from bot.wording import Wording
from knowledge.documents import Language
from ui.errors import Failure
from ui.loopback import Emit
from ui.shapes import answer_json

if TYPE_CHECKING:
    from ui.build import App, Desk


def list_prompts(app: "App | Desk", emit: Emit, *, language: str | None = None, tone: str | None = None) -> dict[str, Any]:  # noqa: ARG001
    """Every version, newest first within its language and tone."""
    found = PromptVersions(app.engine).history(_language(language), tone)
    newest: dict[tuple[str, str], int] = {}
    for version in found:
        newest.setdefault((version.wording.language, version.wording.tone), version.wording.version)
    used = {key for key, number in newest.items() if number or key[1] == "default"}
    return {"prompts": [{**_summary(v), "in_use": _key(v) in used and newest[_key(v)] == v.wording.version} for v in found]}


def show_prompt(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    version: str | None = None,
    language: str = "en",
    tone: str = "default",
) -> dict[str, Any]:
    """One version with its templates; the one in use where none is named."""
    versions = PromptVersions(app.engine)
    code = _language(language) or "en"
    found = versions.get(version or versions.current(code, tone).id, code, tone)
    return {**_summary(found), "system": found.wording.system, "user": found.wording.user}


def set_prompt(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    language: str,
    author: str,
    tone: str = "default",
    system: str | None = None,
    user: str | None = None,
    comment: str = "",
    expected: int | None = None,
) -> dict[str, Any]:
    """Put new templates in use; a template that is not given stays as it is."""
    if system is None and user is None:
        raise Failure("Give a system template, a user template, or both.", 2)
    versions = PromptVersions(app.engine)
    old = versions.current(_language(language) or "en", tone)
    new = Wording(old.system if system is None else system, old.user if user is None else user, old.language, tone)
    added = versions.add(new, author, comment, expected)
    return {**_summary(versions.get(added.id)), "difference": difference(old, added)}


def diff_prompts(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    old: str,
    new: str | None = None,
    language: str = "en",
    tone: str = "default",
) -> dict[str, Any]:
    """What changed from one version to another, or to the one in use."""
    versions, code = PromptVersions(app.engine), _language(language) or "en"
    before = versions.get(old, code, tone).wording
    after = versions.get(new, code, tone).wording if new else versions.current(before.language, tone)
    return {"old": before.id, "new": after.id, "difference": difference(before, after)}


def rollback_prompt(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    version: str,
    author: str,
    language: str = "en",
    tone: str = "default",
    comment: str = "",
) -> dict[str, Any]:
    """Put an earlier version in use again, as a new one."""
    versions, code = PromptVersions(app.engine), _language(language) or "en"
    return _summary(versions.get(versions.rollback(version, author, comment, language=code, tone=tone).id))


def preview_prompt(
    app: "App",
    emit: Emit,  # noqa: ARG001
    *,
    text: str = "",
    message: str | None = None,
    conversation: str | None = None,
    backend: str | None = None,
    shots: str | None = None,
    cot: str | None = None,
    prompt: str | None = None,
    draft: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The messages that this turn would send to the backend asked first, with tokens by message and by part.

    message: a saved one, sent once more where it stands; else `text`, as the next of the conversation where one is named.
    draft: a wording that is no version yet: `language`, `system`, `user`.
    """
    from ui.operations import taught

    wording = _draft(app, **draft) if draft else None
    request = Request(text, conversation, backend=backend, prompt=prompt, wording=wording, **taught(shots, cot))
    if message:
        asked = question(app.engine, message)
        request = replace(request, text=asked.text, conversation=asked.conversation, customer=asked.customer)
        turn = app.router.preview(request, asked.position)
    else:
        turn = app.router.preview(request)
    if not turn.by or not turn.prompt or not turn.fitted or not turn.lesson:
        raise Failure("Nothing was composed for that message; look at the log.")
    count = turn.by.count
    return {
        "question": turn.request.text,
        "backend": turn.by.name,
        "reads_prompt": turn.by.kind != LAST,
        "window": turn.by.window,
        "prompt_version": turn.prompt.version,
        "cot": turn.lesson.cot,
        "examples": [example.id for example in turn.fitted.parts.examples],
        "tokens": {**turn.fitted.tokens, "total": sum(count(message.text) + MARKS for message in turn.prompt.messages) + MARKS},
        "messages": [{**asdict(message), "tokens": count(message.text)} for message in turn.prompt.messages],
    }


def try_prompt(
    app: "App",
    emit: Emit,  # noqa: ARG001
    *,
    text: str,
    language: str,
    system: str,
    user: str,
    tone: str = "default",
    backend: str | None = None,
) -> dict[str, Any]:
    """One question answered with the wording in use and with a draft, side by side; nothing of it is saved."""
    draft = _draft(app, language, system, user, tone)
    if not text.strip():
        raise Failure("The question is empty. Give some words.", 2)
    used = PromptVersions(app.engine).current(draft.language, tone)
    ways: dict[str, dict[str, Any]] = {"current": {"wording": used}, "draft": {"wording": draft}}
    answers = [{**answer_json(app.router.answer_from(text.strip(), backend=backend, **way)), "asked": name} for name, way in ways.items()]
    return {"answers": answers, "difference": difference(used, draft)}


def _draft(app: "App", language: str, system: str, user: str, tone: str = "default") -> Wording:
    """A wording that is not saved, numbered as the next version would be. Raises `BadPrompt` for what could not be one."""
    code = _language(language) or "en"
    return Wording(system, user, code, tone, PromptVersions(app.engine).current(code, tone).version + 1)


def _language(code: str | None) -> Language | None:
    if code not in (None, "en", "zh"):
        raise Failure(f"language is {code!r}; allowed: en, zh.", 2)
    return cast("Language | None", code)


def _key(version: Version) -> tuple[str, str]:
    return version.wording.language, version.wording.tone


def _summary(version: Version) -> dict[str, Any]:
    wording = version.wording
    return {
        "id": wording.id,
        "language": wording.language,
        "tone": wording.tone,
        "version": wording.version,
        "author": version.author,
        "comment": version.comment,
        "at": version.at.isoformat() if version.at else None,
    }


DESK_OPERATIONS = {operation.__name__: operation for operation in (list_prompts, show_prompt, set_prompt, diff_prompts, rollback_prompt)}
OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {"preview_prompt": preview_prompt, "try_prompt": try_prompt}
