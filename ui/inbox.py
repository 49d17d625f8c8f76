"""The desk's inbox and a conversation in it, as HTML; what the bot saw when it answered. From JSON as `ui.operations_desk` gives it."""

from collections.abc import Mapping
from typing import Any

from ui.markdown import to_html
from ui.panels import Ask, button, e, empty, moment

Json = Mapping[str, Any]
_STAGES = ("triage", "retrieve", "prompt", "first_token", "total")


def boxes(ask: Ask, found: Json, box: str, names: tuple[str, ...]) -> str:
    """The list on the left: boxes with their counts, the search, the conversations."""
    words, counts = ask.words, found["counts"]
    tabs = "".join(
        f'<button type="button" role="tab" aria-selected="{str(name == box).lower()}" data-keep data-go=\'{{"box":"{name}","chat":""}}\'>'
        f"{e(words[f'box_{name}'])}<b>{counts[name]}</b></button>"
        for name in names
    )
    sought = ask.place.get("search", "")
    search = (
        f'<form class="search" data-do="search"><label class="sr" for="search">{e(words["search"])}</label>'
        f'<input id="search" name="search" type="search" placeholder="{e(words["search"])}" value="{e(sought)}"></form>'
    )
    rows = "".join(_row(chat, ask) for chat in found["chats"]) or empty(words[f"none_{box}"], words["none_hint"])
    listed = f'<div class="list" data-scroll="list" tabindex="0">{rows}</div>'
    return f'<div class="tabs" role="tablist" aria-label="{e(words["boxes"])}">{tabs}</div>{search}{listed}'


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
        f'<button type="button" class="row" data-keep data-go=\'{go}\'{chosen}><span class="line"><strong>{e(visitor(chat, ask))}</strong>'
        f'{moment(chat["waiting_since"] or chat["updated"])}</span><span class="last">{e(chat["last"][:160])}</span>'
        f'<span class="marks">{marks}</span></button>'
    )


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
    acts += button("hand_back", words["hand_back"], chat=chat["id"]) if mine else ""
    acts += (
        button("close_chat", words["close"], chat=chat["id"]) if chat["state"] != "closed" and (mine or chat["state"] != "agent") else ""
    )
    acts += button("review", words["review"], chat=chat["id"]) if chat["flags"] else ""
    back = f'<button type="button" class="back" data-keep data-go=\'{{"chat":""}}\'>{e(words["back"])}</button>'
    state = words[f"state_{chat['state']}"] if chat["state"] != "agent" else words["with"].format(who=chat["holder_shown"])
    reason = f" · {e(words.get('reason_' + chat['reason'], chat['reason']))}" if chat["reason"] and chat["state"] == "waiting" else ""
    return (
        f'<div class="head">{back}<div><h2>{e(visitor(chat, ask))}</h2><p class="state {chat["state"]}">{e(state)}{reason}</p></div>'
        f'<div class="acts">{acts}</div></div><div class="talk" data-scroll="{e(chat["id"])}" data-end tabindex="0">{lines}</div>'
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
    told = ask.words[f"event_{note['kind']}"].format(who=note["author"] or ask.words["the_customer"])
    text = f'<p class="plain">{e(note["text"])}</p>' if note["text"] else ""
    return f'<aside class="note {note["kind"]}"><p class="by">{e(told)} {moment(note["at"])}</p>{text}</aside>'


def composer(ask: Ask, shown: Json) -> str:
    """Where one writes: to the customer when one has the conversation, else a note for the desk."""
    chat, words = shown["chat"], ask.words
    mine = chat["state"] == "agent" and chat["holder"] == ask.user.name
    kind, do = ("reply", "say") if mine else ("note", "note")
    label = e(words[f"write_{kind}"])
    note = f'<button type="button" class="quiet" data-do="note">{e(words["note_send"])}</button>' if mine else ""
    return (
        f'<form class="composer {kind}" data-do="{do}" data-clear><input type="hidden" name="chat" value="{e(chat["id"])}">'
        f'<label class="sr" for="write-{kind}">{label}</label>'
        f'<textarea id="write-{kind}" name="text" rows="2" maxlength="4000" data-enter placeholder="{label}"></textarea>'
        f'{note}<button type="submit" class="primary">{e(words[f"{kind}_send"])}</button></form>'
    )


def what_the_bot_saw(ask: Ask, shown: Json) -> str:
    """One of the bot's replies: passages with scores, the prompt, the backend and its times; and a form to correct it."""
    words = ask.words
    replies = [line for line in shown["said"] if line["role"] == "bot" and line["answer"]]
    line = next((line for line in replies if line["id"] == ask.place.get("reply")), replies[-1] if replies else None)
    if line is None:
        return empty(words["nothing_seen"])
    answer, made = line["answer"], line["provenance"] or {}
    facts = [
        (words["backend"], answer["backend"] or words["own_sentence"]),
        (words["adapter"], answer["adapter"] or "—"),
        (words["prompt"], answer["prompt_version"] or "—"),
        (words["tokens"], words["tokens_of"].format(**answer["tokens"])),
        (
            words["times"],
            " · ".join(f"{words[f'stage_{s}']} {answer['latency_ms'][s] / 1000:.2f} s" for s in _STAGES if s in answer["latency_ms"]),
        ),
        (words["searched"], made.get("question") or "—"),
    ]
    facts += [(words["rung"], f"{name}: {error}") for name, error in answer["rungs"]]
    facts += [(words["flag_figures"], ", ".join(map(str, made["unsupported_figures"])))] if made.get("unsupported_figures") else []
    rows = "".join(f"<dt>{e(name)}</dt><dd>{e(value)}</dd>" for name, value in facts)
    return (
        f'<h2>{e(words["what_bot_saw"])}</h2><div class="scroll" data-scroll="more-{e(line["id"])}" tabindex="0"><dl>{rows}</dl>'
        f"{_passages(ask, line)}{_prompt(ask, line)}{_correct(ask, shown, line)}</div>"
    )


def _times(took: Json, words: Mapping[str, str]) -> str:
    return " · ".join(f"{words[f'stage_{stage}']} {took[stage] / 1000:.2f} s" for stage in _STAGES if stage in took)


def _passages(ask: Ask, line: Json) -> str:
    cited = {citation["id"] for citation in line["answer"]["citations"]}
    rows = "".join(
        f'<li><span class="score">{p["score"]:.2f}</span><span>{e(p["source"])}{" ★" if p["id"] in cited else ""}</span>'
        f'<meter min="0" max="1" value="{p["score"]:.3f}" aria-label="{e(ask.words["score"])}"></meter></li>'
        for p in (line["provenance"] or {}).get("passages", [])
    )
    return f'<h3>{e(ask.words["passages"])}</h3><ol class="passages">{rows}</ol>' if rows else ""


def _prompt(ask: Ask, line: Json) -> str:
    sent = "".join(f'<p class="by">{e(m["role"])}</p><pre>{e(m["text"])}</pre>' for m in (line["provenance"] or {}).get("messages", []))
    return f'<details id="prompt-{e(line["id"])}"><summary>{e(ask.words["prompt_sent"])}</summary>{sent}</details>' if sent else ""


def _correct(ask: Ask, shown: Json, line: Json) -> str:
    words = ask.words
    asked = next((said["text"] for said in shown["said"] if said["id"] == line["in_reply_to"]), "")
    reply = e(line["id"])
    return (
        f'<form class="correct" data-do="correct"><h3>{e(words["correct"])}</h3><p class="hint">{e(words["correct_hint"])}</p>'
        f'<input type="hidden" name="chat" value="{e(shown["chat"]["id"])}"><input type="hidden" name="reply" value="{reply}">'
        f'<label for="q-{reply}">{e(words["question"])}</label><textarea id="q-{reply}" name="question" rows="2">{e(asked)}</textarea>'
        f'<label for="a-{reply}">{e(words["better"])}</label><textarea id="a-{reply}" name="answer" rows="5">{e(line["text"])}</textarea>'
        f'<button type="submit" class="primary">{e(words["propose"])}</button></form>'
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
    rows = "".join(_example(example, ask) for example in reversed(examples) if example["state"] == state)
    rows = rows or empty(words["none_examples"], words["none_examples_hint"])
    head = f'<h2>{e(words["tab_pool"])}</h2><p class="hint">{e(words["pool_hint"])}</p>'
    return f'<div class="page">{head}<div class="tabs" role="tablist" aria-label="{e(words["tab_pool"])}">{tabs}</div>{rows}</div>'


def _example(example: Json, ask: Ask) -> str:
    words = ask.words
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
    return (
        f'<article class="card"><p class="by">{e(example["language"])}{mark}</p><h3>{e(example["question"])}</h3>'
        f'<p class="plain">{e(example["answer"])}</p>{evidence}<div class="acts">{acts}</div></article>'
    )
