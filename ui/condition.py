"""The administration's panel about the product itself as HTML: its settings, and what doctor finds."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui.doctor import in_words
from ui.languages import page_texts
from ui.panels import Ask, button, e
from ui.pieces import row, table

Json = Mapping[str, Any]


def settings(ask: Ask, listed: Sequence[Json]) -> str:
    """Every setting in force and where it comes from; they are changed in a file or the environment, and secrets are never shown."""
    words = ask.words
    about = page_texts("settings", "zh") if ask.language == "zh" else {}
    rows = ""
    for one in listed:
        told = f'<span class="by">{e(about.get(one["name"], one["about"]))}</span>'
        rows += row((f"<code>{e(one['name'])}</code>{told}", _value(ask, one), _origin(ask, one)))
    head = f'<h3>{e(words["settings"])}</h3><p class="hint">{e(words["settings_hint"])}</p>'
    return f'<div class="page">{head}{table(words, ("setting", "value", "comes_from"), rows, "values")}</div>'


def _value(ask: Ask, one: Json) -> str:
    if one["secret"]:
        return f'<span class="by">{e(ask.words["secret_set" if one["value"] else "secret_unset"])}</span>'
    if one["value"] in ("", None, []):
        return f'<span class="by">{e(ask.words["unset"])}</span>'
    if isinstance(one["value"], bool):
        return e(ask.words["yes" if one["value"] else "no"])
    return e(", ".join(map(str, one["value"])) if isinstance(one["value"], list) else one["value"])


def _origin(ask: Ask, one: Json) -> str:
    name = ask.words[f"from_{one['from']}"]
    variable = f" <code>{e(one['variable'])}</code>" if one["from"] == "environment" else ""
    return f'<span class="{"by" if one["from"] == "default" else "mark"}">{e(name)}</span>{variable}'


def faults(ask: Ask, found: Json) -> str:
    """What was looked at, what is wrong first, each with its remedy."""
    words = ask.words
    order = ("broken", "warning", "ok")
    rows = ""
    for one in sorted(found["findings"], key=lambda one: order.index(one["state"])):
        state = f'<span class="mark{"" if one["state"] == "ok" else " bad"}">{e(words["finding_" + one["state"]])}</span>'
        told, remedy = in_words(one["said"], ask.language)
        rows += row((state, e(words.get(_key(one["name"]), one["name"])), e(told), e(remedy)))
    title = f"<h3>{e(words['all_well' if found['ok'] else 'not_well'])}</h3>"
    again = f'<div class="acts">{button("show", words["look_again"])}</div>'
    card = f'<article class="card" id="faults">{title}{table(words, ("state", "looked_at", "finding", "remedy"), rows)}{again}</article>'
    return f'<div class="page"><h2>{e(words["tab_settings"])}</h2>{card}</div>'


def _key(name: str) -> str:
    """The key of a finding's name among the texts."""
    return "looked_" + name.replace(" ", "_").replace("'", "")
