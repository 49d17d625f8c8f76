"""The admin's panels as HTML: documents and the search test, users, API keys, the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui.languages import page_texts
from ui.panels import Ask, button, e, empty, moment
from ui.pieces import row, table

Json = Mapping[str, Any]


def documents(ask: Ask, listed: Sequence[Json], hits: Sequence[Json] | None) -> str:
    """Upload, what went wrong, the search test, and every document that is in."""
    words = ask.words
    upload = (
        f'<div class="drop"><label class="file">{e(words["upload"])}<input class="sr" type="file" multiple data-do="upload_documents" '
        f'accept=".md,.txt,.pdf,.docx,.xlsx,.csv,.html,.json,.jsonl"></label><span class="hint">{e(words["upload_hint"])}</span></div>'
    )
    failed = (
        f'<div class="card"><h3>{e(words["failed"])}</h3><p class="plain">{e(ask.place["failed"])}</p></div>'
        if ask.place.get("failed")
        else ""
    )
    test = (
        f'<form class="fields" data-do="search_test"><div><label for="test">{e(words["test"])}</label>'
        f'<input id="test" name="text" type="search" value="{e(ask.place.get("test", ""))}" placeholder="{e(words["test_hint"])}"></div>'
        f'<button type="submit">{e(words["test_do"])}</button></form>'
    )
    rows = [
        (document["source"], document["title"], document["language"], document["chunks"], moment(document["at"]),
         button("remove_document", words["remove"], source=document["source"], sure=""))
        for document in listed
    ]  # fmt: skip
    names = ("source", "title_of", "language", "chunks", "changed", "")
    shown = _table(words, names, rows, html={4, 5}) if rows else empty(words["no_documents"], words["no_documents_hint"])
    return _page(words["tab_documents"], words["documents_hint"], f"{upload}{failed}{test}{_hits(ask, hits)}{shown}")


def _hits(ask: Ask, hits: Sequence[Json] | None) -> str:
    if hits is None:
        return ""
    rows = "".join(
        f'<article class="card hit"><p class="by"><span class="score">{hit["score"]:.2f}</span> {e(hit["source"])}</p>'
        f"<h3>{e(hit['title'])}</h3><p>{e(' '.join(hit['text'].split())[:300])}</p></article>"
        for hit in hits
    )
    return rows or empty(ask.words["no_hits"])


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
        acts = button("reset_user", words["reset"], name=user["name"], sure="")
        acts += button("switch_user", words["enable" if off else "disable"], name=user["name"], disabled=str(not off).lower())
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
    rows = [
        (key["name"], words["revoked" if key["revoked"] else "valid"], moment(key["created"]), moment(key["last_used"]),
         "" if key["revoked"] else button("revoke_key", words["revoke"], name=key["name"], sure=""))
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
