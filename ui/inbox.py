"""The desk's inbox and a conversation in it, as HTML, from JSON as `ui.operations_desk` gives it; the pool; the keys of the keyboard."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from bot.outcomes import Waiting
from ui import phrases
from ui.markdown import plain, to_html
from ui.panels import Ask, button, e, empty, moment

Json = Mapping[str, Any]
MOST = 50  # conversations in a list
_KEYS = (("j", "k"), ("Enter",), ("/",), ("Esc",), ("?",))


def boxes(ask: Ask, found: Json, box: str, names: tuple[str, ...]) -> str:
    """The list on the left: boxes with their counts, the search, the conversations."""
    words, counts = ask.words, found["counts"]
    tabs = "".join(
        f'<button type="button" role="tab" id="box-{name}" aria-selected="{str(name == box).lower()}" data-keep'
        f' data-go=\'{{"box":"{name}","chat":""}}\'>{e(words[f"box_{name}"])}<b>{counts[name]}</b></button>'
        for name in names
    )
    rows = "".join(_row(chat, ask) for chat in found["chats"]) or empty(words[f"none_{box}"], words["none_hint"])
    sought, language = ask.place.get("search", ""), ask.place.get("lang", "")
    if (sought or language) and not found["chats"]:
        rows = empty(words["none_found"], words["none_found_hint"])
    told = words["found_n"].format(n=f"{len(found['chats'])}+" if len(found["chats"]) == MOST else len(found["chats"]))
    clear = f'<button type="button" class="link" data-keep data-go=\'{{"search":"","lang":""}}\'>{e(words["clear"])}</button>'
    result = f'<p class="found"><span>{e(told)}</span>{clear}</p>' if sought or language else ""
    listed = f'<div class="list" data-scroll="list" tabindex="0" role="region" aria-label="{e(words["boxes"])}">{rows}</div>'
    return f'<div class="tabs" role="tablist" aria-label="{e(words["boxes"])}">{tabs}</div>{_search(ask, sought, language)}{result}{listed}'


def _search(ask: Ask, sought: str, language: str) -> str:
    words = ask.words
    codes = {"": "lang_any", "en": "lang_en", "zh": "lang_zh", "other": "lang_other"}
    options = "".join(
        f'<option value="{code}"{" selected" if code == language else ""}>{e(words[word])}</option>' for code, word in codes.items()
    )
    return (
        f'<form class="search" data-do="search"><label class="sr" for="search">{e(words["search"])}</label>'
        f'<input id="search" name="search" type="search" placeholder="{e(words["search_short"])}" value="{e(sought)}"'
        f' aria-keyshortcuts="/" data-live>'
        f'<label class="sr" for="lang">{e(words["lang"])}</label>'
        f'<select id="lang" name="lang" data-do="filter_language">{options}</select></form>'
    )


def _row(chat: Json, ask: Ask) -> str:
    words = ask.words
    marks = "".join(f'<span class="mark bad">{e(words[f"flag_{flag}"])}</span>' for flag in chat["flags"])
    if chat["state"] == "waiting":
        marks = f'<span class="mark warm">{e(words["state_waiting"])}</span>{marks}'
    elif chat["state"] == "agent":
        marks = f'<span class="mark">{e(words["with"].format(who=chat["holder_shown"]))}</span>{marks}'
    chosen = ' aria-current="true"' if ask.place.get("chat") == chat["id"] else ""
    go = f'{{"chat":"{e(chat["id"])}","reply":""}}'
    return (
        f'<button type="button" class="row" id="row-{e(chat["id"])}" data-keep data-go=\'{go}\'{chosen}>'
        f'{face(chat)}<span class="line"><strong>{e(visitor(chat, ask))}</strong>'
        f'{moment(chat["waiting_since"] or chat["updated"])}</span><span class="last">{e(plain(chat["last"])[:160])}</span>'
        f'<span class="marks">{marks}</span></button>'
    )


def face(chat: Json) -> str:
    """A sign that tells visitors apart in a list: two characters of their name, on one of six colours."""
    name = chat["customer"][-6:]
    return f'<span class="face tone{zlib.crc32(name.encode()) % 6}" aria-hidden="true">{e(name[:2].upper())}</span>'


def visitor(chat: Json, ask: Ask) -> str:
    """A short name of somebody who has none."""
    return ask.words["visitor"].format(name=chat["customer"][-6:])


def conversation(ask: Ask, shown: Json) -> str:
    """All that was said, with the desk's notes between."""
    chat, words = shown["chat"], ask.words
    timeline = sorted(
        [*((line["at"], "said", line) for line in shown["said"]), *((note["at"], "note", note) for note in shown["notes"])],
        key=lambda x: x[0],
    )
    lines = "".join(_said(record, chat, ask) if kind == "said" else _note(record, ask) for _, kind, record in timeline)
    lines += _rated(chat, ask)
    mine = chat["state"] == "agent" and chat["holder"] == ask.user.name
    acts = button("take", words["take"], "primary", chat=chat["id"]) if chat["state"] != "agent" else ""
    acts += _hand_back(ask, chat["id"]) if mine else ""
    acts += (
        button("close_chat", words["close"], chat=chat["id"]) if chat["state"] != "closed" and (mine or chat["state"] != "agent") else ""
    )
    acts += button("review", words["review"], chat=chat["id"]) if chat["flags"] else ""
    back = f'<button type="button" class="back" data-keep data-go=\'{{"chat":""}}\'>{e(words["back"])}</button>'
    state = words[f"state_{chat['state']}"] if chat["state"] != "agent" else words["with"].format(who=chat["holder_shown"])
    reason = f" · {e(words.get('reason_' + chat['reason'], chat['reason']))}" if chat["reason"] and chat["state"] == "waiting" else ""
    told = f'<p class="state {chat["state"]}">{e(state)}{reason}</p>'
    return (
        f'<div class="head">{back}{face(chat)}<div><h2>{e(visitor(chat, ask))}</h2>{told}</div>'
        f'<div class="acts">{acts}</div></div><div class="talk" data-scroll="{e(chat["id"])}" data-end tabindex="0">{lines}</div>'
    )


def _hand_back(ask: Ask, chat: str) -> str:
    """Back to the bot, with a word for the colleagues where there is one to say."""
    words, id_ = ask.words, e(chat)
    return (
        f'<details class="menu" id="back-{id_}"><summary>{e(words["hand_back"])}</summary><form data-do="hand_back">'
        f'<input type="hidden" name="chat" value="{id_}"><label for="why-{id_}">{e(words["hand_back_note"])}</label>'
        f'<textarea id="why-{id_}" name="why" rows="3" maxlength="4000"></textarea>'
        f'<button type="submit" class="primary">{e(words["hand_back_do"])}</button></form></details>'
    )


def _said(line: Json, chat: Json, ask: Ask) -> str:
    words, role = ask.words, line["role"]
    who = visitor(chat, ask) if role == "customer" else line["author"] if role == "agent" else words["bot"]
    text = to_html(line["text"], {}) if role == "bot" else f'<p class="plain">{e(line["text"])}</p>'
    more = ""
    if role == "bot":
        answer = line["answer"] or {}
        marks = [words["flag_abstained"]] if answer.get("abstained") else []
        marks += [words["flag_thumbs_down"]] if line["rating"] == -1 else [words["thumbs_up"]] if line["rating"] == 1 else []
        marks += [words["flag_figures"]] if (line["provenance"] or {}).get("unsupported_figures") else []
        marks += [words["interrupted"]] if answer.get("interrupted") else []
        badges = "".join(f'<span class="mark bad">{e(mark)}</span>' for mark in marks)
        why = f'<p class="why">“{e(line["why"])}”</p>' if line["why"] else ""
        go = f'{{"reply":"{e(line["id"])}"}}'
        saw = f'<button type="button" class="link" data-keep data-go=\'{go}\'>{e(words["what_bot_saw"])}</button>'
        more = f'{why}<div class="marks">{badges}{saw}</div>'
    return (
        f'<article class="said {role}"><p class="by"><b>{e(who)}</b> {moment(line["at"])}</p><div class="text">{text}</div>{more}</article>'
    )


def _rated(chat: Json, ask: Ask) -> str:
    """How the customer rated the conversation at its end."""
    if chat["score"] is None:
        return ""
    why = f'<p class="plain">“{e(chat["score_why"])}”</p>' if chat["score_why"] else ""
    return f'<aside class="note rated"><p class="by">{e(ask.words["rated"].format(n=chat["score"]))}</p>{why}</aside>'


def _note(note: Json, ask: Ask) -> str:
    told = ask.words[f"event_{note['kind']}"].format(who=note["author_shown"] or ask.words["the_customer"])
    text = f'<p class="plain">{e(note["text"])}</p>' if note["text"] else ""
    return f'<aside class="note {note["kind"]}"><p class="by">{e(told)} {moment(note["at"])}</p>{text}</aside>'


def composer(ask: Ask, shown: Json, replies: Sequence[Json]) -> str:
    """Where one writes: to the customer when one has the conversation, else a note for the desk. replies: the canned ones."""
    chat, words = shown["chat"], ask.words
    mine = chat["state"] == "agent" and chat["holder"] == ask.user.name
    kind, do = ("reply", "say") if mine else ("note", "note")
    label = e(words[f"write_{kind}"])
    note = f'<button type="button" class="quiet" data-do="note" data-clear>{e(words["note_send"])}</button>' if mine else ""
    above = (phrases.draft(ask, ask.answers[0]) if ask.answers else "") + phrases.picker(ask, replies, chat["language"]) if mine else ""
    suggest = button("suggest", words["suggest"], "quiet", chat=chat["id"]) if mine else ""
    pick = f'<button type="button" class="quiet" data-pick aria-label="{e(words["tab_canned"])}">/</button>' if mine else ""
    box = (
        f'<textarea id="write-{kind}" name="text" rows="2" maxlength="4000" data-enter placeholder="{label}"'
        f"{' data-canned aria-autocomplete=list aria-controls=canned-list' if mine else ''}></textarea>"
    )
    return (
        f'{above}<form class="composer {kind}" data-do="{do}" data-clear><input type="hidden" name="chat" value="{e(chat["id"])}">'
        f'<label class="sr" for="write-{kind}">{label}</label>{box}<div class="acts">{pick}{suggest}{note}'
        f'<button type="submit" class="primary">{e(words[f"{kind}_send"])}</button></div></form>'
    )


def waiting(ask: Ask, found: Sequence[Waiting]) -> str:
    """For the page's script alone: how many wait, since when the last of them does, and what to say of it. Empty where nobody waits."""
    if not found:
        return ""
    told = f' data-told="{e(ask.words["notify_title"])}" data-hint="{e(ask.words["notify_text"].format(n=len(found)))}"'
    return f'<i hidden data-waiting="{len(found)}" data-since="{found[-1].since.isoformat()}"{told}></i>'


def keys(ask: Ask) -> str:
    """How one is told that somebody waits, and what the keyboard does; shown at the press of ?, and kept in the browser."""
    words = ask.words
    told = (words["key_move"], words["key_open"], words["key_search"], words["key_leave"], words["key_help"])
    rows = "".join(
        f"<dt>{' '.join(f'<kbd>{key}</kbd>' for key in pressed)}</dt><dd>{e(does)}</dd>" for pressed, does in zip(_KEYS, told, strict=True)
    )
    return (
        f'<button type="button" class="ask" data-open="keys" aria-label="{e(words["keys"])}">?</button>'
        f'<dialog id="keys" aria-labelledby="keys-title"><h2 id="keys-title">{e(words["keys"])}</h2><dl>{rows}</dl>'
        f'<label><input type="checkbox" id="keys-on" checked> {e(words["keys_on"])}</label>'
        f'<h2>{e(words["notify"])}</h2><p class="hint">{e(words["notify_hint"])}</p>'
        f'<label><input type="checkbox" id="notify-sound"> {e(words["notify_sound"])}</label>'
        f'<label><input type="checkbox" id="notify-show"> {e(words["notify_show"])}</label>'
        f'<button type="button" data-close>{e(words["done"])}</button></dialog>'
    )


def pool(ask: Ask, examples: list[Json], state: str) -> str:
    """The approved pool: proposals to decide on, and what was decided."""
    words = ask.words
    names = ("pending", "approved", "rejected")
    tabs = "".join(
        f'<button type="button" role="tab" aria-selected="{str(name == state).lower()}" data-keep data-go=\'{{"pool":"{name}"}}\'>'
        f"{e(words[f'pool_{name}'])}<b>{sum(example['state'] == name for example in examples)}</b></button>"
        for name in names
    )
    answers = {example["id"]: example["answer"] for example in examples}
    rows = "".join(_example(example, answers, ask) for example in reversed(examples) if example["state"] == state)
    rows = rows or empty(words["none_examples"], words["none_examples_hint"])
    head = f'<h2>{e(words["tab_pool"])}</h2><p class="hint">{e(words["pool_hint"])}</p>'
    return f'<div class="page">{head}<div class="tabs" role="tablist" aria-label="{e(words["tab_pool"])}">{tabs}</div>{rows}</div>'


def _example(example: Json, answers: Mapping[str, str], ask: Ask) -> str:
    words = ask.words
    language = words.get("lang_" + example["language"], example["language"])
    wrong = bool(example["flagged"]) and example["answer"] == example["flagged"]  # what a customer did not like is not approved
    mark = f' <span class="mark bad">{e(words["disliked"])}</span>' if wrong else ""
    acts = button("approve", words["approve"], "primary", example=example["id"]) if example["state"] != "approved" and not wrong else ""
    if example["conversation"] and not example["id"].startswith(f"{example['conversation']}-"):  # those are of transcripts
        go = f'{{"tab":"inbox","box":"all","chat":"{e(example["conversation"])}"}}'
        acts += f"<button type=\"button\" data-keep data-go='{go}'>{e(words['open_chat'])}</button>"
    acts += button("reject", words["reject"], example=example["id"]) if example["state"] != "rejected" else ""
    evidence = (
        f'<details id="e-{e(example["id"])}"><summary>{e(words["evidence"])}</summary><pre>{e(example["evidence"])}</pre></details>'
        if example["evidence"]
        else ""
    )
    old = answers.get(example["corrects"], "")
    takes = f'<p class="hint">{e(words["takes_place"].format(answer=old))}</p>' if old and example["state"] == "pending" else ""
    return (
        f'<article class="card"><p class="by">{e(language)}{mark}</p><h3>{e(example["question"])}</h3>'
        f'<p class="plain">{e(example["answer"])}</p>{takes}{evidence}{_edit(example, wrong, ask)}<div class="acts">{acts}</div></article>'
    )


def _edit(example: Json, wrong: bool, ask: Ask) -> str:
    """Another question or answer; open at once where a better answer is waited for."""
    words, id_ = ask.words, e(example["id"])
    return (
        f'<details id="edit-{id_}"{" open" if wrong and example["state"] == "pending" else ""}><summary>{e(words["edit"])}</summary>'
        f'<form data-do="edit_example"><input type="hidden" name="example" value="{id_}">'
        f'<label for="eq-{id_}">{e(words["question"])}</label>'
        f'<textarea id="eq-{id_}" name="question" rows="2" required>{e(example["question"])}</textarea>'
        f'<label for="ea-{id_}">{e(words["better"])}</label>'
        f'<textarea id="ea-{id_}" name="answer" rows="4" required>{e(example["answer"])}</textarea>'
        f'<p><button type="submit" class="primary">{e(words["keep_example"])}</button></p></form></details>'
    )
