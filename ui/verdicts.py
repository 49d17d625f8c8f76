"""The administration's panels about adapters as HTML: measured against the best prompt, promoted, rolled back; and the advice."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.said import label, retold
from finetune.tree import picture
from ui import pictures, runs
from ui.chores import Chore
from ui.panels import Ask, button, e, empty, moment
from ui.pieces import facts, go, lines, row, select, table

Json = Mapping[str, Any]
SHARES = (5, 10, 25, 50, 100)  # percent of the conversations
MEASURES = ("f1", "exact_match", "chrf", "grounded", "unsupported_figures", "declined", "characters", "latency_ms")
FACTS = ("narrow", "strong", "may_leave")


def adapters(ask: Ask, listed: Sequence[Json], waiting: Sequence[Json]) -> str:
    """Every adapter on record, and the runs that have made one which nobody has looked at yet."""
    words = ask.words
    head = f'<h2>{e(words["tab_adapters"])}</h2><p class="hint">{e(words["adapters_hint"])}</p>'
    if not listed and not waiting:
        return f'<div class="page">{head}{empty(words["no_adapters"], words["no_adapters_hint"])}</div>'
    rows = ""
    for one in [*reversed(waiting), *reversed(listed)]:
        name = one.get("name") or one["run"]
        difference = "–" if one.get("difference") is None else f"{one['difference']:+.3f}"
        answers = f"{one['active_on']} · {one['share']:.0%}" if one.get("active_on") else ""
        opened = go(words["open"], here=ask.place.get("adapter") == name, tab="adapters", adapter=name)
        rows += row((e(name), e(one["method"]), gate(ask, one.get("gate")), e(difference), e(answers), moment(one["created"]), opened))
    names = ("adapter", "method", "gate", "difference", "answers_on", "made", "")
    return f'<div class="page">{head}{table(words, names, rows)}</div>'


def gate(ask: Ask, verdict: str | None) -> str:
    """Pass, fail or not measured, as a badge."""
    return f'<span class="mark{"" if verdict == "pass" else " bad"}">{e(ask.words[f"gate_{verdict}" if verdict else "gate_none"])}</span>'


def adapter(ask: Ask, one: Json, chore: Chore | None, backends: Sequence[Json]) -> str:
    """One adapter: where it comes from, what was measured, and how it comes to answer. backends: the local ones."""
    return _origin(ask, one) + _evaluation(ask, one, chore) + _promotion(ask, one, backends)


def _origin(ask: Ask, one: Json) -> str:
    words = ask.words
    told = [
        (words["base"], Path(one["base"]).name),
        (words["method"], one["method"]),
        (words["rows_learned"], one["rows"]),
        (words["sha_weights"], one["sha256"]),
        (words["sha_base"], one["base_sha256"]),
        (words["sha_data"], one["data_sha256"] or "–"),
        (words["seed"], one["seed"] if one["seed"] is not None else "–"),
    ]
    erased = f'<p class="mark bad">{e(words["erased_since"])}</p>' if one["erased"] else ""
    return f'<article class="card"><h3>{e(one["name"])}</h3>{erased}{facts(told, "hashes")}</article>'


def _evaluation(ask: Ask, one: Json, chore: Chore | None) -> str:
    words, found = ask.words, one["evaluation"]
    if chore and chore.state != "done":
        return runs.working(ask, words["evaluating"], chore)
    again = button("evaluate", words["evaluate_again" if found else "evaluate"], "" if found else "primary", adapter=one["name"])
    if not found:
        act = f'<div class="acts">{again}</div>'
        return f'<article class="card"><h3>{e(words["evaluation"])}</h3><p>{e(words["not_evaluated"])}</p>{act}</article>'
    reasons = retold(found["reasons"], ask.language) if found.get("reasons") else [found["why"]]
    low, high = found["interval"]
    rows = [(words["all_cases"], found["tuned"]["f1"], found["best_prompt"]["f1"])]
    rows += [(words.get(f"code_{code}", code), pair["tuned"], pair["prompt"]) for code, pair in found.get("languages", {}).items()]
    if found.get("general"):
        rows.append((words["general_cases"], found["general"]["tuned"], found["general"]["base"]))
    figures = f"<figure>{pictures.interval(found['difference'], low, high, words['difference_title'])}</figure>"
    figures += f"<figure>{pictures.compared(rows, words)}</figure>"
    report = (
        f'<a class="button" href="/admin/evaluation/{e(one["name"])}" target="_blank" rel="noopener">{e(words["report"])}</a>'
        if one["report"]
        else ""
    )
    return (
        f'<article class="card" id="evaluation"><h3>{e(words["evaluation"])} {gate(ask, found["gate"])}</h3>'
        f'{lines(reasons)}<p class="by">{e(words["measured_on"].format(n=found["conversations"], shots=found["best_prompt"]["shots"]))}</p>'
        f'<div class="grid">{figures}</div>{_measures(ask, found)}{_replies(ask, one["replies"])}'
        f'<div class="acts">{report}{again}</div></article>'
    )


def _measures(ask: Ask, found: Json) -> str:
    words = ask.words
    rows = "".join(
        row((e(words[f"measure_{name}"]), e(_number(found["tuned"][name])), e(_number(found["best_prompt"].get(name)))))
        for name in MEASURES
        if found["tuned"].get(name) is not None
    )
    shown = table(words, ("measure", "tuned", "best_prompt"), rows)
    return f'<details id="measures"><summary>{e(words["measures"])}</summary>{shown}</details>'


def _number(value: object) -> str:
    return "–" if value is None else f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _replies(ask: Ask, replies: Sequence[Json]) -> str:
    words = ask.words
    if not replies:
        return ""
    rows = "".join(
        row(
            (
                e(one["question"]),
                e(one["expected"]),
                *(f'{e(one[side])} <span class="by">{one[f"{side}_f1"]:.2f}</span>' for side in ("tuned", "prompt")),
            )
        )
        for one in replies
    )
    shown = table(words, ("customer", "person_said", "tuned", "best_prompt"), rows, "replies")
    return f'<details id="replies" open><summary>{e(words["replies"])}</summary>{shown}</details>'


def _promotion(ask: Ask, one: Json, backends: Sequence[Json]) -> str:
    """First whether it could, then a share, then all; one step back."""
    words = ask.words
    title = f"<h3>{e(words['promotion'])}</h3>"
    if not backends:
        add = button("add_local", words["add_local"], "primary", adapter=one["name"])
        return f'<article class="card">{title}<p>{e(words["no_local"])}</p><div class="acts">{add}</div></article>'
    now = f"{one['active_on']} · {one['share']:.0%}" if one["active_on"] else ""
    state = f"<p>{e(words['answers_now'].format(where=now) if now else words['answers_not'])}</p>"
    names = select("backend", "backend", words["on_backend"], [(each["name"], each["name"]) for each in backends], one["active_on"])
    first = 100 if one["active_on"] and one["share"] < 1 else 10
    shares = [(part, words["share_all" if part == 100 else "share_n"].format(n=part)) for part in SHARES]
    share = select(f"share-{one['name']}", "share", words["share"], shares, first)
    steps = "".join(f"<li>{e(words[f'step_{name}'])}</li>" for name in ("verify", "gate", "canary", "all"))
    asked = words["sure_roll_back"].format(name=one["name"], backend=one["active_on"])
    back = button("roll_back", words["roll_back"], backend=one["active_on"], sure=asked) if one["active_on"] else ""
    why = against(ask, one)
    asked = words["sure_promote"].format(name=one["name"], why=why)
    sure = f' data-sure="{e(asked)}"' if why else ""
    return (
        f'<form class="card" data-do="promote" data-over="promote roll_back" id="promotion"{sure}>{title}{state}'
        f'<ol class="steps">{steps}</ol>'
        f'<input type="hidden" name="adapter" value="{e(one["name"])}">'
        f'<div class="fields">{names}{share}</div>{_override(ask, one)}'
        f'<div class="acts">{button("check_adapter", words["verify"])}'
        f'<button type="submit" class="primary">{e(words["promote"])}</button>{back}</div></form>'
    )


def _override(ask: Ask, one: Json) -> str:
    """Where something speaks against it: the reason for which it is to answer all the same."""
    if not against(ask, one):
        return ""
    key = e(f"override-{one['name']}")  # of this adapter alone: what is typed for one is not the reason of another
    label = f'<label for="{key}">{e(ask.words["override"])}</label>'
    hint = f'<p class="hint">{e(ask.words["override_hint"])}</p>'
    return f'<div>{label}<input id="{key}" name="override" type="text" maxlength="500" required>{hint}</div>'


def against(ask: Ask, one: Json) -> str:
    """What speaks against it, empty where nothing does."""
    if one["erased"]:
        return ask.words["against_erased"]
    return "" if one["gate"] == "pass" else ask.words[f"against_{one['gate'] or 'none'}"]


def taken_back(ask: Ask, done: Json) -> str:
    """What a rollback did, and who really answers customers after it."""
    words = ask.words

    def called(backend: str) -> str:
        return f"{backend} ({done['adapter'] or words['base_alone']})" if backend == done["backend"] else backend

    now, canary = words["now_first"].format(first=called(done["default"])), done["canary"]
    if canary:
        share = f"{canary['share']:.0%}"
        now = words["now_canary"].format(first=called(done["default"]), share=share, canary=called(canary["backend"]))
    if done["adapter"]:
        return words["rolled_back"].format(backend=done["backend"], name=done["adapter"], now=now)
    return words["taken_back"].format(name=done["undone"] or done["backend"], now=now)


def history(ask: Ask, changes: Sequence[Json]) -> str:
    """What was promoted and rolled back, the newest first."""
    words = ask.words
    if not changes:
        return ""
    rows = ""
    for change in changes:
        what = e(change["adapter"] or words["no_adapter"])
        who = (e(change["author"]), e(change["why"]))
        sha = f"<code>{e((change['sha256'] or '')[:12])}</code>"
        rows += row((moment(change["at"]), e(change["backend"]), what, f"{change['share'] or 0:.0%}", sha, *who))
    names = ("when", "on_backend", "adapter", "share", "sha_weights", "who", "why")
    return f"<h3>{e(words['registry_history'])}</h3>{table(words, names, rows)}"


def advice(ask: Ask, found: Json) -> str:
    """What to do next, why, what would change it, and the way to it through the decision tree."""
    words, chosen = ask.words, ask.place.get("facts", "").split(",")
    boxes = "".join(
        f'<label class="check"><input type="checkbox" id="fact-{name}" name="{name}" value="yes" data-do="ask_advice"'
        f"{' checked' if name in chosen else ''}> {e(words[f'fact_{name}'])}</label>"
        for name in FACTS
    )
    told = found["told"]
    changes = retold(told["changes"], ask.language)
    change = f"<h3>{e(words['would_change'])}</h3>{lines(changes)}" if changes else ""
    tree = picture([(name, answer) for name, answer in found["path"]], found["advice"], ask.language)
    title = f'<h3 class="big">{e(label("advice_" + found["advice"], ask.language))}</h3>'
    return (
        f'<div class="page"><h2>{e(words["tab_advice"])}</h2><p class="hint">{e(words["advice_hint"].format(n=found["rows"]))}</p>'
        f'<form class="card checks"><h3>{e(words["facts"])}</h3>{boxes}</form><article class="card" id="advice">'
        f'<p class="by">{e(words["advised"])}</p>{title}{lines(retold(told["reasons"], ask.language))}{change}</article>'
        f'<article class="card"><h3>{e(words["the_way"])}</h3><figure>{tree}</figure></article></div>'
    )
