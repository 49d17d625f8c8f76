"""The admin's panels as HTML: documents and the search test, users, API keys, the audit log."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ui.chores import Chore
from ui.languages import page_texts
from ui.panels import Ask, button, e, empty, moment
from ui.pieces import row, table
from ui.runs import working

Json = Mapping[str, Any]
_FEW = 8  # rows that one looks over at once


def documents(
    ask: Ask, listed: Sequence[Json], hits: Sequence[Json] | None, doing: tuple[Chore | None, Chore | None], threshold: float
) -> str:
    """Upload and how each file went, the search test, and every document that is in.

    doing: what takes files in, and what makes the index anew. threshold: the relevance in force, under which the bot does not answer.
    """
    words = ask.words
    upload = (
        f'<div class="drop"><label class="file">{e(words["upload"])}<input class="sr" type="file" multiple data-do="upload_documents" '
        f'accept=".md,.txt,.pdf,.docx,.xlsx,.csv,.html,.json,.jsonl"></label><span class="hint">{e(words["upload_hint"])}</span></div>'
    )
    rows = [
        (document["source"], document["title"], document["language"], document["chunks"], moment(document["at"]),
         button("remove_document", words["remove"], source=document["source"],
                sure=words["sure_remove"].format(name=document["source"], n=document["chunks"])))
        for document in listed
    ]  # fmt: skip
    names = ("source", "title_of", "language", "chunks", "changed", "")
    counted = {"n": len(rows), "chunks": sum(document["chunks"] for document in listed)}
    busy = doing[1] and doing[1].state in ("waiting", "running")
    again = button("reindex", words["reindex"], sure=words["sure_reindex"].format(**counted)) if rows and not busy else ""
    total = words["documents_n"].format(**counted)
    head = f'<div class="listed"><h3>{e(total)}</h3><div class="acts">{again}</div></div>' if rows else ""
    shown = f'{_filter(ask, len(rows))}<div id="documents">{_table(words, names, rows, html={4, 5})}</div>' if rows else ""
    shown = shown or empty(words["no_documents"], words["no_documents_hint"])
    taken, search = _taken(ask, doing[0]), _search(ask, hits, threshold)
    done = doing[0] is not None and doing[0].state == "done"  # what is over does not stand between a question and what was found
    first = f"{search}{taken}" if done else f"{taken}{search}"
    body = f"{upload}{first}{_indexed(ask, doing[1])}{head}{shown}"
    return _page(words["tab_documents"], words["documents_hint"], body)


def _filter(ask: Ask, many: int) -> str:
    """Where the rows of a long list are narrowed down while one types."""
    if many <= _FEW:
        return ""
    label = e(ask.words["filter"])
    field = f'<input id="filter" type="search" data-filter="#documents" placeholder="{label}" autocomplete="off">'
    return f'<div class="filter"><label class="sr" for="filter">{label}</label>{field}</div>'


def _taken(ask: Ask, chore: Chore | None) -> str:
    """How far an upload is, then how each of its files went."""
    words = ask.words
    if chore is None:
        return ""
    if chore.state != "done":
        return working(ask, words["taking_in"].format(n=len(chore.args["names"])), chore)
    rows = []
    for file in chore.result["files"]:
        mark = f'<span class="mark{" bad" if file["state"] == "failed" else ""}">{e(words["file_" + file["state"]])}</span>'
        rows.append((file["name"], mark, file["documents"] or "", file["error"]))
    counts = Counter(file["state"] for file in chore.result["files"])
    told = " · ".join(f"{words['file_' + state]} {count}" for state, count in counts.items())
    act = button("drop_work", words["dismiss"], key=chore.key)
    listed = _table(words, ("file", "state", "documents_of", "why_not"), rows, html={1})
    body = f'<p class="by">{e(told)}</p>{listed}<div class="acts">{act}</div>'
    return f'<article class="card" id="taken"><h3>{e(words["uploaded"])}</h3>{body}</article>'


def _indexed(ask: Ask, chore: Chore | None) -> str:
    """How far the new index is, and when it was done."""
    words = ask.words
    if chore is None:
        return ""
    if chore.state != "done":
        return working(ask, words["reindexing"], chore)
    act = button("drop_work", words["dismiss"], key=chore.key)
    told = words["reindexed"].format(n=chore.result["chunks"])
    return f'<article class="card" id="reindexed"><p class="by">{e(told)}</p><div class="acts">{act}</div></article>'


def _search(ask: Ask, hits: Sequence[Json] | None, threshold: float) -> str:
    """A search as the bot does it, and what the bot would do with what is found, under a threshold that can be moved."""
    words = ask.words
    tried = _number(ask.place.get("threshold"), threshold)
    slide = (
        f'<div class="slide"><label for="threshold">{e(words["threshold"])}</label> <output for="threshold">{tried:.2f}</output>'
        f'<input type="range" id="threshold" name="threshold" min="0" max="1" step="0.01" value="{tried:.2f}" data-plain'
        ' data-do="search_test">'
        f'<p class="hint">{e(words["threshold_in_force"].format(value=f"{threshold:.2f}"))}</p></div>'
    )
    form = (
        f'<form class="card" data-do="search_test"><div class="fields"><div><label for="test">{e(words["test"])}</label>'
        f'<input id="test" name="text" type="search" value="{e(ask.place.get("test", ""))}" placeholder="{e(words["test_hint"])}"></div>'
        f'<button type="submit">{e(words["test_do"])}</button></div>{slide if hits else ""}{_verdict(ask, hits, tried)}</form>'
    )
    if hits is None:
        return form
    return form + ("".join(_hit(ask, hit, tried) for hit in hits) or empty(words["no_hits"]))


def _verdict(ask: Ask, hits: Sequence[Json] | None, threshold: float) -> str:
    if not hits:
        return ""
    best, over = hits[0]["score"], sum(hit["score"] >= threshold for hit in hits)
    key = "would_answer" if best >= threshold else "would_not_answer"
    said = ask.words[key].format(best=f"{best:.2f}", threshold=f"{threshold:.2f}", n=over, of=len(hits))
    return f'<p class="verdict" role="status"><span class="mark{"" if over else " bad"}">{e(said)}</span></p>'


def _hit(ask: Ask, hit: Json, threshold: float) -> str:
    under = hit["score"] < threshold
    told = f' <span class="mark bad">{e(ask.words["under_threshold"])}</span>' if under else ""
    by = f'<p class="by"><span class="score">{hit["score"]:.2f}</span> {e(hit["source"])}{told}</p>'
    return (
        f'<article class="card hit{" under" if under else ""}">{by}'
        f"<h3>{e(hit['title'])}</h3><p>{e(' '.join(hit['text'].split())[:300])}</p></article>"
    )


def _number(text: str | None, otherwise: float) -> float:
    """A relevance that a form sent, 0..1."""
    try:
        found = float(text or otherwise)
    except ValueError:
        return otherwise
    return found if 0 <= found <= 1 else otherwise


def users(ask: Ask, listed: Sequence[Json]) -> str:
    """Who may sign in."""
    words = ask.words
    roles = "".join(f'<option value="{role}">{e(words[f"role_{role}"])}</option>' for role in ("lead", "admin"))
    form = (
        f'<form class="card fields" data-do="add_user" data-clear><div><label for="new-name">{e(words["user_name"])}</label>'
        f'<input id="new-name" name="name" type="text" maxlength="64" autocapitalize="none" required></div>'
        f'<div><label for="new-shown">{e(words["shown"])}</label><input id="new-shown" name="shown" type="text" maxlength="60"></div>'
        f'<div><label for="new-role">{e(words["role"])}</label><select id="new-role" name="role">{roles}</select></div>'
        f'<button type="submit" class="primary">{e(words["add_user"])}</button></form>'
    )
    rows = []
    for user in listed:
        off = user["state"] == "disabled"
        name = user["name"]
        acts = button("reset_user", words["reset"], name=name, sure=words["sure_reset"].format(name=name))
        asked = {} if off else {"sure": words["sure_disable"].format(name=name)}
        acts += button("switch_user", words["enable" if off else "disable"], name=name, disabled=str(not off).lower(), **asked)
        state = words[f"user_{user['state'].replace('-', '_').replace(' ', '_')}"]
        rows.append(
            (
                user["name"],
                user["shown"],
                words[f"role_{user['role']}"],
                state,
                moment(user["last_seen"]),
                f'<div class="acts">{acts}</div>',
            )
        )
    return _page(
        words["tab_users"],
        words["users_hint"],
        form + _table(words, ("user_name", "shown", "role", "state", "seen", ""), rows, html={4, 5}),
    )


def keys(ask: Ask, listed: Sequence[Json]) -> str:
    """What programs open `/v1` with."""
    words = ask.words
    form = (
        f'<form class="card fields" data-do="add_key" data-clear><div><label for="new-key">{e(words["key_name"])}</label>'
        f'<input id="new-key" name="name" type="text" maxlength="64" required></div>'
        f'<button type="submit" class="primary">{e(words["add_key"])}</button></form>'
    )
    asked = words["sure_revoke"]
    rows = [
        (key["name"], words["revoked" if key["revoked"] else "valid"], moment(key["created"]), moment(key["last_used"]),
         "" if key["revoked"] else button("revoke_key", words["revoke"], name=key["name"], sure=asked.format(name=key["name"])))
        for key in listed
    ]  # fmt: skip
    shown = _table(words, ("key_name", "state", "made", "used", ""), rows, html={2, 3, 4}) if rows else empty(words["no_keys"])
    return _page(words["tab_keys"], words["keys_hint"], form + shown)


def audit(ask: Ask, entries: Sequence[Json]) -> str:
    """Who changed what."""
    words = ask.words
    done = page_texts("audit", ask.language)
    rows = [(moment(entry["at"]), entry["who"], _did(entry["what"], done), entry["about"], entry["detail"]) for entry in entries]
    shown = _table(words, ("when", "who", "what", "about", "detail"), rows, html={0, 2}) if rows else empty(words["no_audit"])
    return _page(words["tab_audit"], words["audit_hint"], shown)


def _did(what: str, done: Mapping[str, str]) -> str:
    return f'<span title="{e(what)}">{e(done.get(what, what))}</span>'


def _page(title: str, hint: str, body: str) -> str:
    return f'<div class="page" data-scroll="page"><h2>{e(title)}</h2><p class="hint">{e(hint)}</p>{body}</div>'


def _table(words: Mapping[str, str], names: Sequence[str], rows: Sequence[Sequence[object]], html: set[int]) -> str:
    """html: the numbers of the columns that are HTML already; everything else is escaped."""
    return table(words, names, "".join(row(str(cell) if at in html else e(cell) for at, cell in enumerate(cells)) for cells in rows))
