"""The desk's panels about backends, as HTML: who answers and how they are, the policy and its history, and a playground."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ui.markdown import to_html
from ui.panels import Ask, button, e, empty, moment

Json = Mapping[str, Any]
LAST = "extractive"
_PARTS = {
    "the default": "part_default", "on the ladder": "part_ladder", "the canary": "canary", "the shadow": "shadow",
    "the backend of a route": "part_route", "the last rung": "part_last",
}  # fmt: skip
RUNGS = 3  # how many places of the ladder the form has


def backends(ask: Ask, found: Json, versions: Sequence[Json]) -> str:
    """How each backend is, the form that changes the policy, and what it was before."""
    words = ask.words
    cards = "".join(_backend(backend, ask) for backend in found["backends"])
    head = f'<h2>{e(words["tab_backends"])}</h2><p class="hint">{e(words["backends_hint"])}</p><div class="grid">{cards}</div>'
    test = f"<p>{button('test_backends', words['test_backends'])}</p>"
    return f'<div class="page" data-scroll="page">{head}{test}{_form(ask, found)}{_history(ask, versions)}</div>'


def _backend(backend: Json, ask: Ask) -> str:
    words = ask.words
    ready = backend["state"] == "ready" and not backend["probing"]
    if backend["rests_s"]:
        told = words["rests"].format(n=backend["rests_s"])
    else:
        told = words["probing"] if backend["probing"] else words["ready"] if ready else backend["state"]
    state = f'<span class="mark{"" if ready else " bad"}">{e(told)}</span>'
    calls = words["calls_n"].format(n=backend["calls"], failed=backend["failed"]) if backend["calls"] else ""
    calls = f'<p class="by calls">{e(calls)}</p>' if calls else ""
    part = f'<span class="mark">{e(words.get(_PARTS.get(backend["part"], ""), backend["part"]))}</span>' if backend["part"] else ""
    adapter = f'<p class="by">{e(words["adapter"])}: {e(backend["adapter"])}</p>' if backend["adapter"] else ""
    spent = words["today"].format(tokens=backend["tokens_today"], cost=f"{backend['cost_today']:.4f}")
    if backend["name"] == LAST:  # whose tokens are counted for no budget
        spent = words["costs_nothing"]
    return (
        f'<article class="card"><h3>{e(backend["name"])}</h3><p class="by">{e(backend["kind"])} · {e(spent)}</p>{adapter}{calls}'
        f'<div class="marks">{state}{part}</div></article>'
    )


def _form(ask: Ask, found: Json) -> str:
    """The policy as it is, to be changed; it carries the version it was read at, so that nobody overwrites what another has just set."""
    words, policy = ask.words, found["policy"]
    names = [backend["name"] for backend in found["backends"]]
    canary = policy["canary"] or {"backend": "", "share": 0.0}
    percent = max(1, round(100 * canary["share"])) if canary["share"] else 0
    rungs = "".join(
        _select(ask, f"rung{place}", words["rung_n"].format(n=place + 1), [name for name in names if name != LAST], rung)
        for place, rung in enumerate([*policy["ladder"], *[""] * RUNGS][:RUNGS])
    )
    slider = (
        f'<div><label for="share">{e(words["share"])} <output>{percent}%</output></label>'
        f'<input id="share" name="share" type="range" min="0" max="100" step="1" value="{percent}"></div>'
    )
    shadow = _select(ask, "shadow", words["shadow"], names, policy["shadow"] or "")
    first = _select(ask, "default", words["default"], names, policy["default"], empty_too=False)
    second = _select(ask, "canary", words["canary"], names, canary["backend"])
    version = e(words["version_n"].format(n=found["version"]))
    return (
        f'<form class="card" data-do="set_policy"><h3>{e(words["policy"])}</h3><p class="by">{version}</p>'
        f'<input type="hidden" name="expected" value="{found["version"]}">'
        f'<div class="fields">{first}{second}{slider}{shadow}</div><div class="fields">{rungs}</div>'
        f'<label for="why">{e(words["why"])}</label><input id="why" name="why" type="text" maxlength="500" required>'
        f'<p><button type="submit" class="primary">{e(words["set_policy"])}</button></p></form>'
    )


def _select(ask: Ask, name: str, label: str, options: Sequence[str], chosen: str, *, empty_too: bool = True) -> str:
    none = f'<option value="">{e(ask.words["nobody"])}</option>' if empty_too else ""
    rows = "".join(f"<option{' selected' if option == chosen else ''}>{e(option)}</option>" for option in options)
    return f'<div><label for="{name}">{e(label)}</label><select id="{name}" name="{name}">{none}{rows}</select></div>'


def _history(ask: Ask, versions: Sequence[Json]) -> str:
    words, title = ask.words, f"<h3>{e(ask.words['history'])}</h3>"
    rows = ""
    for place, entry in enumerate(versions):
        back = button("bring_back", words["bring_back"], version=entry["version"]) if place else ""
        cells = (entry["version"], moment(entry["at"]), e(entry["author"]), e(entry["why"]), e(_in_short(entry["policy"], ask)), back)
        rows += f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    if not rows:
        return title + empty(words["no_history"])
    head = "".join(f'<th scope="col">{e(words[name])}</th>' for name in ("version", "when", "who", "why", "policy")) + "<td></td>"
    return f'{title}<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _in_short(policy: Json, ask: Ask) -> str:
    canary = f" · {ask.words['canary']} {policy['canary']['backend']} {round(100 * policy['canary']['share'])}%" if policy["canary"] else ""
    return " → ".join([policy["default"], *policy["ladder"]]) + canary


def playground(ask: Ask, names: Sequence[str]) -> str:
    """One question to two backends. Nothing of it is saved."""
    words = ask.words
    left = _select(ask, "left", words["left"], names, ask.place.get("left") or names[0], empty_too=False)
    right = _select(ask, "right", words["right"], names, ask.place.get("right") or names[-1], empty_too=False)
    return (
        f'<div class="page"><h2>{e(words["tab_playground"])}</h2><p class="hint">{e(words["playground_hint"])}</p>'
        f'<form class="card" data-do="compare"><label for="try">{e(words["try"])}</label>'
        f'<textarea id="try" name="text" rows="2" maxlength="2000" required>{e(ask.place.get("asked", ""))}</textarea>'
        f'<div class="fields">{left}{right}<button type="submit" class="primary">{e(words["compare"])}</button></div></form></div>'
    )


def side_by_side(ask: Ask) -> str:
    """What each backend said; of one that still works, that it does. The page then asks for the next answer."""
    there = [answer for answer in ask.answers if len(answer) > 1]
    # No two are the same text, so that the page puts each in place and asks again, also where nothing new was there.
    more = f' data-then="compare_more" data-told="{len(there)}" data-at="{time.monotonic_ns()}"' if len(there) < len(ask.answers) else ""
    cards = "".join(_answer(answer, ask) if "answer" in answer else _working(answer, ask) for answer in ask.answers)
    return f'<div class="page grid" data-show{more}>{cards}</div>'


def _working(answer: Json, ask: Ask) -> str:
    """One that has not answered, or could not."""
    told = f'<p class="wrong">{e(answer["failed"])}</p>' if "failed" in answer else ""
    told = told or f'<progress aria-label="{e(answer["asked"])}"></progress><p class="by">{e(ask.words["still_answers"])}</p>'
    busy = "" if "failed" in answer else ' aria-busy="true"'
    return f'<article class="card"{busy}><h3>{e(answer["asked"])}</h3>{told}</article>'


def answers(ask: Ask, found: Sequence[Json]) -> str:
    """A card for each: who was asked and who answered instead, what was said, from which sources, how long it took."""
    return "".join(_answer(answer, ask) for answer in found)


def _answer(answer: Json, ask: Ask) -> str:
    words = ask.words
    facts = [answer["backend"]] if answer["backend"] and answer["backend"] != answer["asked"] else []
    facts += [answer["adapter"]] if answer["adapter"] else []
    facts += [f"{answer['latency_ms'].get('total', 0) / 1000:.2f} s", words["tokens_of"].format(**answer["tokens"])]
    abstained = f'<span class="mark bad">{e(words["flag_abstained"])}</span>' if answer["abstained"] else ""
    sources = "".join(f"<li>{e(source)}</li>" for source in dict.fromkeys(citation["source"] for citation in answer["citations"]))
    failed = "".join(f'<p class="wrong">{e(rung["backend"])}: {e(rung["error"])}</p>' for rung in answer["rungs"])
    title = words.get(f"asked_{answer['asked']}", answer["asked"])
    return (
        f'<article class="card"><h3>{e(title)}</h3><p class="by">{e(" · ".join(facts))}</p>{failed}{abstained}'
        f'<div class="text">{to_html(answer["answer"], {})}</div><ul class="by">{sources}</ul></article>'
    )
