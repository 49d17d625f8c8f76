"""What a person may say, as HTML: the canned replies, the list that a slash opens while one writes, and the bot's draft."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ui.markdown import to_html
from ui.panels import Ask, button, e, empty, moment

Json = Mapping[str, Any]
CODES = ("en", "zh")
_EMPHASIS = re.compile(r"(\*\*|__)(.+?)\1")


def canned(ask: Ask, replies: Sequence[Json], code: str) -> str:
    """The canned replies of a language, each to be changed or removed, and a form for a new one."""
    words = ask.words
    tabs = ""
    for name in CODES:
        chosen, go = str(name == code).lower(), f'{{"code":"{name}"}}'
        tabs += f'<button type="button" role="tab" aria-selected="{chosen}" data-keep data-go=\'{go}\'>{e(words[f"code_{name}"])}</button>'
    head = f'<h2>{e(words["tab_canned"])}</h2><p class="hint">{e(words["canned_hint"])}</p>'
    bar = f'<div class="tabs" role="tablist" aria-label="{e(words["tab_canned"])}">{tabs}</div>'
    new = f'<details class="card" id="new-{code}"{"" if replies else " open"}><summary>{e(words["canned_new"])}</summary>'
    new += f"{_form(ask, code)}</details>"
    rows = "".join(_reply(ask, reply) for reply in replies) or empty(words["none_canned"], words["none_canned_hint"])
    return f'<div class="page" data-scroll="page">{head}{bar}{new}{rows}</div>'


def _reply(ask: Ask, reply: Json) -> str:
    words = ask.words
    told = f'<p class="by">{e(reply["author"])} · {moment(reply["updated"])}</p>'
    asked = words["sure_remove"].format(name=reply["shortcut"])
    remove = button("remove_canned", words["remove"], id=reply["id"], sure=asked)
    edit = f'<details id="edit-{e(reply["id"])}"><summary>{e(words["edit"])}</summary>{_form(ask, reply["language"], reply)}</details>'
    said = f'<h3><code>/{e(reply["shortcut"])}</code></h3><p class="plain">{e(reply["text"])}</p>{told}'
    return f'<article class="card said-again"><div>{said}</div><div class="acts">{remove}</div>{edit}</article>'


def _form(ask: Ask, code: str, reply: Json | None = None) -> str:
    words, held = ask.words, reply or {"id": "", "shortcut": "", "text": ""}
    key, do = held["id"] or f"new-{code}", "edit_canned" if reply else "add_canned"
    known = f'<input type="hidden" name="id" value="{e(held["id"])}">' if reply else ""
    return (
        f'<form data-do="{do}"{"" if reply else " data-clear"}>{known}<input type="hidden" name="code" value="{e(code)}">'
        f'<label for="shortcut-{e(key)}">{e(words["shortcut"])}</label>'
        f'<input id="shortcut-{e(key)}" name="shortcut" type="text" maxlength="33" required value="{e(held["shortcut"])}">'
        f'<label for="text-{e(key)}">{e(words["canned_text"])}</label>'
        f'<textarea id="text-{e(key)}" name="text" rows="4" maxlength="4000" required>{e(held["text"])}</textarea>'
        f'<p><button type="submit" class="primary">{e(words["keep"])}</button></p></form>'
    )


def picker(ask: Ask, replies: Sequence[Json], language: str) -> str:
    """The list over the box where one writes; those in the conversation's language come first."""
    ordered = sorted(replies, key=lambda reply: (reply["language"] != language, reply["language"], reply["shortcut"]))
    rows = "".join(
        f'<li role="option" id="canned-{e(reply["id"])}" aria-selected="false" data-insert="{e(reply["text"])}"'
        f' data-find="{e(reply["shortcut"].lower())}"><b>/{e(reply["shortcut"])}</b>'
        f' <span class="by">{e(ask.words["lang_" + reply["language"]])}</span>'
        f'<span class="last">{e(reply["text"][:200])}</span></li>'
        for reply in ordered
    )
    hint = "" if replies else f'<p class="hint">{e(ask.words["none_canned"])}</p>'
    return (
        f'<div class="picker" hidden><ul role="listbox" id="canned-list" aria-label="{e(ask.words["tab_canned"])}">{rows}</ul>'
        f'<p class="hint" data-none hidden>{e(ask.words["none_fits"])}</p>{hint}</div>'
    )


def draft(ask: Ask, found: Json) -> str:
    """The bot's draft, to be looked at, taken into the box and changed; it sends nothing."""
    words = ask.words
    if found["abstained"] or not found["answer"].strip():
        told = f"<p>{e(words['draft_none'])}</p>"
        use = ""
    else:
        told = f'<div class="text">{to_html(found["answer"], {})}</div>'
        plain = _EMPHASIS.sub(r"\2", found["answer"])  # what a person says is shown as it is
        use = f'<button type="button" class="primary" data-insert="{e(plain)}">{e(words["draft_use"])}</button>'
    by = " · ".join(filter(None, (found["backend"], found["adapter"], *dict.fromkeys(cited["source"] for cited in found["citations"]))))
    return (
        f'<aside class="draft" data-show aria-label="{e(words["draft"])}"><p class="by"><span class="mark warm">{e(words["draft"])}</span> '
        f'{e(words["draft_to"].format(text=found["question"][:120]))}</p>{told}<p class="by">{e(by)}</p>'
        f'<div class="acts">{use}<button type="button" data-keep data-go=\'{{"draft":""}}\'>{e(words["draft_drop"])}</button></div></aside>'
    )
