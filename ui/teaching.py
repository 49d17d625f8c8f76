"""The panels about what the bot is taught, as HTML: the prompts' versions at the desk, transcripts in the administration."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.redact import PSEUDONYM
from ui import control, saw
from ui.panels import Ask, button, e, empty, moment
from ui.pieces import select

Json = Mapping[str, Any]
CODES = ("en", "zh")
_COLUMNS = ("question", "answer", "text", "role", "conversation")  # what a table's columns may have to be named as
_TALK = (
    '{"id": "t1", "customer": "c7", "turns": [{"role": "customer", "text": "Where is my parcel?"},\n'
    '                                         {"role": "agent", "text": "It arrives on Friday."}]}'
)
"""One conversation, as a line of a file has it."""


def prompts(ask: Ask, shown: Json, versions: Sequence[Json], difference: str, names: Sequence[str]) -> str:
    """The templates in use, to be changed or tried; every version, and what changed from a chosen one to the one in use.

    names: of the backends that a draft may be tried on.
    """
    words, code = ask.words, shown["language"]
    tabs = ""
    for name in CODES:
        go = f'{{"code":"{name}","since":""}}'
        label, chosen = e(words[f"code_{name}"]), str(name == code).lower()
        tabs += f'<button type="button" role="tab" aria-selected="{chosen}" data-keep data-go=\'{go}\'>{label}</button>'
    form = (
        f'<form class="card" data-do="set_prompt"><h3>{e(words["prompt_in_use"].format(n=shown["version"]))}</h3>'
        f'<input type="hidden" name="code" value="{e(code)}"><input type="hidden" name="expected" value="{e(shown["version"])}">'
        f'<label for="system-{e(code)}">{e(words["system_text"])}</label>'
        f'<textarea id="system-{e(code)}" name="system" rows="10" required>{e(shown["system"])}</textarea>'
        f'<label for="user-{e(code)}">{e(words["user_text"])}</label>'
        f'<textarea id="user-{e(code)}" name="user" rows="4" required>{e(shown["user"])}</textarea>'
        f'<label for="comment">{e(words["why"])}</label><input id="comment" name="comment" type="text" maxlength="500" required>'
        f'<p><button type="submit" class="primary">{e(words["set_prompt"])}</button></p>{_trying(ask, names)}</form>'
    )
    changes = f'<div class="card"><h3>{e(words["difference"])}</h3><pre>{e(difference)}</pre></div>' if difference else ""
    rows = "".join(_version(version, ask) for version in versions)
    head = f'<h2>{e(words["tab_prompts"])}</h2><p class="hint">{e(words["prompts_hint"])}</p>'
    bar = f'<div class="tabs" role="tablist" aria-label="{e(words["tab_prompts"])}">{tabs}</div>'
    table = f'<div class="wide" tabindex="0"><table><tbody>{rows}</tbody></table></div>'
    return f'<div class="page" data-scroll="page">{head}{bar}{form}{changes}<h3>{e(words["history"])}</h3>{table}</div>'


def _trying(ask: Ask, names: Sequence[str]) -> str:
    """What may be done with the form's templates before they are in use."""
    words, place = ask.words, ask.place
    options = "".join(f"<option{' selected' if name == place.get('on') else ''}>{e(name)}</option>" for name in names)
    nobody = f'<option value="">{e(words["as_policy"])}</option>'
    return (
        f'<fieldset><legend>{e(words["unsaved"])}</legend><p class="hint">{e(words["unsaved_hint"])}</p>'
        f'<label for="asked">{e(words["try"])}</label>'
        f'<textarea id="asked" name="text" rows="2" maxlength="2000">{e(place.get("asked", ""))}</textarea><div class="fields">'
        f'<div><label for="on">{e(words["backend"])}</label><select id="on" name="on">{nobody}{options}</select></div>'
        f'<div><label for="of">{e(words["of_message"])}</label>'
        f'<input id="of" name="of" type="text" maxlength="64" value="{e(place.get("of", ""))}"></div></div>'
        f'<div class="acts"><button type="button" data-do="preview_prompt">{e(words["preview"])}</button>'
        f'<button type="button" data-do="try_prompt">{e(words["try_it"])}</button></div></fieldset>'
    )


def tried(ask: Ask) -> str:
    """What was found out with templates that are not in use: the messages that a turn would send, or two answers side by side."""
    found, words = ask.answers[0], ask.words
    if found["kind"] == "try":
        same = "" if found["difference"] else f'<p class="hint">{e(words["draft_same"])}</p>'
        if all(answer["backend"] == control.LAST for answer in found["answers"]):
            same += f'<p class="hint">{e(words["unread"])}</p>'
        return f'<div class="page" id="tried" data-show>{same}<div class="grid">{control.answers(ask, found["answers"])}</div></div>'
    tokens = found["tokens"]
    told = words["preview_of"].format(backend=found["backend"], n=tokens["total"], window=found["window"])
    unread = "" if found["reads_prompt"] else f'<p class="hint">{e(words["unread"])}</p>'
    sent = "".join(
        f'<p class="by">{e(line["role"])} · {e(words["tokens_n"].format(n=line["tokens"]))}</p><pre>{e(line["text"])}</pre>'
        for line in found["messages"]
    )
    parts = saw.tokens_of_parts(ask, {part: count for part, count in tokens.items() if part != "total"})
    return (
        f'<div class="page" id="tried" data-show><article class="card"><h3>{e(words["preview"])}</h3>'
        f'<p class="by">{e(told)} · {e(found["prompt_version"])}</p>'
        f'{unread}<p class="plain">{e(found["question"])}</p>{parts}{sent}</article></div>'
    )


def _version(version: Json, ask: Ask) -> str:
    words = ask.words
    if version["in_use"]:
        acts = f'<span class="mark">{e(words["in_use"])}</span>'
    else:
        since = f'<button type="button" data-keep data-go=\'{{"since":"{e(version["id"])}"}}\'>{e(words["difference"])}</button>'
        acts = since + button("bring_prompt_back", words["bring_back"], version=version["id"], code=version["language"])
    told = " · ".join(part for part in (version["author"], version["comment"]) if part) if version["version"] else words["shipped"]
    return f'<tr><td>{e(version["id"])}</td><td>{moment(version["at"])}</td><td>{e(told)}</td><td><div class="acts">{acts}</div></td></tr>'


def transcripts(ask: Ask) -> str:
    """Where transcripts are uploaded; their report stands below."""
    words = ask.words
    kinds = ".jsonl,.json,.csv,.txt"
    told = "".join(f"<li>{e(words[f'transcripts_{step}'])}</li>" for step in ("checked", "decided", "learned"))
    steps = f'<ol class="steps">{told}</ol><pre>{e(_TALK)}</pre>'
    return (
        f'<div class="page"><h2>{e(words["tab_transcripts"])}</h2><p class="hint">{e(words["transcripts_hint"])}</p>'
        f'<div class="drop"><label '
        f'class="file">{e(words["upload"])}<input class="sr" type="file" data-do="check_transcripts" accept="{kinds}"></label>'
        f'<span class="hint">{e(words["transcripts_kinds"])}</span></div>{steps}</div>'
    )


def columns_of(data: Mapping[str, str]) -> dict[str, str]:
    """Our fields to a table's columns, as the form that `looked_at` makes sends them."""
    return {field: data[f"column-{field}"] for field in _COLUMNS if data.get(f"column-{field}")}


def looked_at(ask: Ask, found: Json) -> str:
    """What a file holds, or the question which of its columns is which."""
    return _report(ask, found["file"], found) if "header" not in found else _columns(ask, found)


def _columns(ask: Ask, found: Json) -> str:
    words, name = ask.words, e(found["file"])
    options, chosen = [("", words["column_none"]), *((column, column) for column in found["header"])], found["chosen"]
    fields = "".join(
        select(f"column-{field}", f"column-{field}", words[f"column_{field}"], options, chosen.get(field, "")) for field in _COLUMNS
    )
    return (
        f'<div class="page"><form class="card" id="columns" data-do="check_transcripts"><h3>{name}: {e(words["columns_asked"])}</h3>'
        f'<p class="hint">{e(words["columns_hint"])}</p><input type="hidden" name="file" value="{name}"><div class="fields">{fields}</div>'
        f'<p><button type="submit" class="primary">{e(words["columns_do"])}</button></p></form></div>'
    )


def _report(ask: Ask, name: str, found: Json) -> str:
    """What importing a file would bring, with what was left out and why; nothing is imported yet."""
    words = ask.words
    given = {"file": name, **{f"column-{field}": column for field, column in found["chosen"].items()}}
    facts = [(words[key], found[key]) for key in ("conversations", "turns", "examples", "duplicates")]
    facts += [(words["dropped"], _counts(found["dropped"])), (words["personal"], _counts(found["pii"]))]
    rows = "".join(f"<dt>{e(label)}</dt><dd>{e(value)}</dd>" for label, value in facts)
    wrong = "".join(f"<li>{e(row['row'])}: {e(row['error'])}</li>" for row in found["rows"][:20])
    errors = f"<h3>{e(words['bad_rows'])}</h3><ul>{wrong}</ul>" if wrong else ""
    act = empty(words["nothing_to_learn"])
    if found["examples"]:
        asked = words["sure_approve"].format(name=name, n=found["examples"])
        at_once = button("import_transcripts", words["import_approve"], **given, approve="yes", sure=asked)
        act = button("import_transcripts", words["import"], "primary", **given) + at_once
    shown = "".join(f"<dt>{_marked(one['question'])}</dt><dd>{_marked(one['answer'])}</dd>" for one in found.get("preview", ()))
    preview = (
        f'<h3>{e(words["preview"])}</h3><p class="hint">{e(words["preview_hint"])}</p><dl class="preview">{shown}</dl>' if shown else ""
    )
    card = f'<h3>{e(name)}</h3><dl>{rows}</dl>{errors}<div class="acts">{act}</div>{preview}'
    return f'<div class="page"><article class="card">{card}</article></div>'


def _marked(text: str) -> str:
    """A text with what stands for personal data marked."""
    return PSEUDONYM.sub(lambda found: f"<mark>{found[0]}</mark>", e(text))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "0"
