"""The desk's reports, as HTML: tiles, plots and tables from JSON as `ui.operations_reports` gives it; and the strip of alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ui import charts
from ui.numbers import day, percent, short
from ui.panels import Ask, e, empty

Json = Mapping[str, Any]
DAYS = ("1", "7", "30")
_SHARES = ("alone", "abstained", "liked")
_MOST = 8  # backends in a plot; the table has them all


def reports(ask: Ask, report: Json) -> str:
    """How the bot did in the chosen period."""
    words, overall = ask.words, report["overall"]
    tabs = "".join(
        f'<button type="button" role="tab" aria-selected="{str(days == str(report["days"])).lower()}" data-keep'
        f' data-go=\'{{"days":"{days}"}}\'>{e(words[f"days_{days}"])}</button>'
        for days in DAYS
    )
    sheet = f'<a class="file" href="/desk/report.csv?days={report["days"]}&amp;zone={e(report["zone"])}" download>{e(words["sheet"])}</a>'
    head = (
        f'<h2>{e(words["tab_reports"])}</h2><p class="hint">{e(words["reports_hint"].format(zone=report["zone"]))}</p>'
        f'<div class="bar"><div class="tabs" role="tablist" aria-label="{e(words["period"])}">{tabs}</div>{sheet}</div>'
    )
    if not overall["replies"]:
        return f'<div class="page" data-scroll="page">{head}{empty(words["none_reports"], words["none_reports_hint"])}</div>'
    plots = "".join(
        filter(None, (_volume(ask, report), *(_shares(ask, report, name) for name in _SHARES), _times(ask, report), _reasons(ask, report)))
    )
    by = f"<h3>{e(words['by_backend'])}</h3>{_table(ask, report)}" if report["groups"] else ""
    return f'<div class="page" data-scroll="page">{head}{_tiles(ask, overall)}<div class="plots">{plots}</div>{by}</div>'


def _tiles(ask: Ask, overall: Json) -> str:
    words = ask.words
    tiles = [(words["conversations"], str(overall["conversations"]), words["replies_n"].format(n=overall["replies"]))]
    for name in _SHARES:
        share = overall[name]
        told = (
            words["interval"].format(low=percent(share["low"]), high=percent(share["high"]), n=share["of"])
            if share["of"]
            else words["no_cases"]
        )
        tiles.append((words[f"share_{name}"], percent(share["value"]), told))
    for name in ("first_ms", "total_ms"):
        spread = overall[name]
        tiles.append((words[name], _seconds(spread["median"]), words["p95"].format(time=_seconds(spread["p95"]))))
    tokens = overall["tokens"]
    tiles.append(
        (words["tokens"], short(tokens["prompt"] + tokens["completion"], ask.language), words["in_out"].format(**_both(ask, tokens)))
    )
    tiles.append((words["cost"], f"{overall['cost']:.2f}", words["cost_hint"]))
    return f'<dl class="tiles">{"".join(_tile(*tile) for tile in tiles)}</dl>'


def _tile(name: str, value: str, told: str) -> str:
    return f"<div><dt>{e(name)}</dt><dd><b>{e(value)}</b> <span>{e(told)}</span></dd></div>"


def _volume(ask: Ask, report: Json) -> str:
    words = ask.words
    rows = []
    for slot in report["slots"]:
        start = datetime.fromisoformat(slot["start"])
        label = f"{start:%H:%M}" if report["step"] == "hour" else day(start, ask.language)
        alone = slot["conversations"] - slot["person"]
        rows.append(
            charts.Column(label, alone, slot["person"], words["slot"].format(when=label, n=slot["conversations"], person=slot["person"]))
        )
    title = words[f"volume_{report['step']}"]
    key = _key(ask, ("fill1", "key_alone"), ("fill3", "key_person"))
    return _figure(title, charts.columns(title, rows), key)


def _shares(ask: Ask, report: Json, name: str) -> str:
    words = ask.words
    groups = [(words["all_backends"], report["overall"]), *((_name(ask, group), group) for group in report["groups"][:_MOST])]
    rows = []
    for label, group in groups:
        share = group[name]
        if share["of"]:
            told = words["share_told"].format(value=percent(share["value"]), low=percent(share["low"]), high=percent(share["high"]))
            rows.append(charts.Dot(label, share["value"], share["low"], share["high"], told))
    title = words[f"share_{name}"]
    return _figure(title, charts.dots(title, rows), f"<p>{e(words[f'share_{name}_hint'])}</p>") if rows else ""


def _times(ask: Ask, report: Json) -> str:
    words, rows = ask.words, []
    for group in report["groups"][:_MOST]:
        spread = group["total_ms"]
        if spread["n"]:
            told = words["time_told"].format(median=_seconds(spread["median"]), p95=_seconds(spread["p95"]))
            rows.append(charts.Bar(_name(ask, group), spread["p95"], spread["median"], told))
    title = words["total_ms"]
    return _figure(title, charts.bars(title, rows), _key(ask, ("fill1", "key_median"), ("fill2", "key_p95"))) if rows else ""


def _reasons(ask: Ask, report: Json) -> str:
    words = ask.words
    rows = [
        charts.Bar(words.get(f"reason_{found['reason']}", found["reason"]), found["n"], found["n"], str(found["n"]))
        for found in report["reasons"]
    ]
    return _figure(words["reasons"], charts.bars(words["reasons"], rows), f"<p>{e(words['reasons_hint'])}</p>") if rows else ""


def _table(ask: Ask, report: Json) -> str:
    words = ask.words
    names = ("backend", "replies", "share_alone", "share_abstained", "share_liked", "first_ms", "total_ms", "tokens", "cost")
    head = "".join(f'<th scope="col">{e(words[name])}</th>' for name in names)
    rows = ""
    for group in report["groups"]:
        cells = [str(group["replies"]), *(_cell(ask, group[name]) for name in _SHARES)]
        for name in ("first_ms", "total_ms"):
            spread = group[name]
            cells.append(words["time_told"].format(median=_seconds(spread["median"]), p95=_seconds(spread["p95"])) if spread["n"] else "—")
        cells += [words["in_out"].format(**_both(ask, group["tokens"])), f"{group['cost']:.4f}"]
        rows += f'<tr><th scope="row">{e(_name(ask, group))}</th>{"".join(f"<td>{e(cell)}</td>" for cell in cells)}</tr>'
    table = f'<table class="figures"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="wide" tabindex="0" role="region" aria-label="{e(words["by_backend"])}">{table}</div>'


def _cell(ask: Ask, share: Json) -> str:
    told = {"value": percent(share["value"]), "low": percent(share["low"]), "high": percent(share["high"])}
    return ask.words["share_told"].format(**told) if share["of"] else "—"


def _figure(title: str, svg: str, below: str = "") -> str:
    return f'<figure class="card"><figcaption>{e(title)}</figcaption>{svg}<div class="key">{below}</div></figure>'


def _key(ask: Ask, *entries: tuple[str, str]) -> str:
    return "".join(f'<span><i class="{kind}"></i>{e(ask.words[word])}</span>' for kind, word in entries)


def _name(ask: Ask, group: Json) -> str:
    name = ask.words["approved_answers"] if group["backend"] == "examples" else group["backend"]
    return f"{name} · {group['adapter']}" if group["adapter"] else name


def _seconds(ms: float | None) -> str:
    return "—" if ms is None else f"{ms / 1000:.2f} s" if ms >= 100 else f"{ms:.0f} ms"


def _both(ask: Ask, tokens: Json) -> dict[str, str]:
    return {name: short(tokens[name], ask.language) for name in ("prompt", "completion")}


def alerts(ask: Ask, found: Sequence[Json], minutes: float) -> str:
    """What needs somebody now, each leading to where it is; empty when nothing does."""
    words = ask.words
    leads = {
        "waiting": '{"tab":"inbox","box":"waiting","chat":""}',
        "resting": '{"tab":"backends"}',
        "abstained": '{"tab":"inbox","box":"flagged","chat":""}',
        "thumbs_down": '{"tab":"inbox","box":"flagged","chat":""}',
    }
    rows = ""
    for alert in found:
        given = {"n": alert["n"], "minutes": f"{minutes:g}", "names": ", ".join(alert["names"])}
        shares = {"share": percent(alert["share"]), "before": percent(alert["before"])}
        told = words[f"alert_{alert['kind']}"].format(**given, **shares)
        rows += f'<button type="button" class="alert" data-go=\'{leads[alert["kind"]]}\'>{e(told)}</button>'
    return rows
