"""What the bot saw when it made a reply, as HTML: passages with scores, prompt, backend, tokens, times; and a form to correct it."""

from collections.abc import Mapping
from typing import Any

from ui.panels import Ask, e, empty

Json = Mapping[str, Any]
_SHORT = 120  # characters of a fact that are shown at once
_STAGES = ("triage", "retrieve", "prompt", "first_token", "total")


def what_the_bot_saw(ask: Ask, shown: Json) -> str:
    """Of the chosen reply, else of the last one."""
    words = ask.words
    replies = [line for line in shown["said"] if line["role"] == "bot" and line["answer"]]
    line = next((line for line in replies if line["id"] == ask.place.get("reply")), replies[-1] if replies else None)
    if line is None:
        return empty(words["nothing_seen"])
    rows = "".join(f"<dt>{e(name)}</dt><dd>{_short(line, name, value)}</dd>" for name, value in _facts(words, line) if value)
    go = f'{{"tab":"prompts","of":"{e(line["in_reply_to"])}"}}'
    prompts = f'<button type="button" class="link" data-go=\'{go}\'>{e(words["preview_this"])}</button>'
    shut = f'<button type="button" class="shut" data-keep data-go=\'{{"reply":""}}\' aria-label="{e(words["done"])}">×</button>'
    region = f'class="scroll" data-scroll="more-{e(line["id"])}" tabindex="0" role="region" aria-label="{e(words["what_bot_saw"])}"'
    return (
        f"{shut}<h2>{e(words['what_bot_saw'])}</h2><div {region}><dl>{rows}</dl>"
        f"{_passages(ask, line)}{_parts(ask, line)}{_prompt(ask, line)}{prompts}{_correct(ask, shown, line)}</div>"
    )


def _short(line: Json, name: str, value: str) -> str:
    """A value; a long one to be opened."""
    if len(value) <= _SHORT:
        return e(value)
    return f'<details id="f-{e(line["id"])}-{e(name)}"><summary>{e(value[:_SHORT].rstrip())} …</summary>{e(value)}</details>'


def _facts(words: Mapping[str, str], line: Json) -> list[tuple[str, str]]:
    answer, made = line["answer"], line["provenance"] or {}
    language = words.get(f"lang_{answer['language']}", answer["language"])
    about = (("intent", answer["intent"]), ("feeling", answer["sentiment"]))
    wanted = " · ".join(filter(None, (language, *(words.get(f"{kind}_{name}", name) for kind, name in about))))
    lesson = [words["examples_n"].format(n=len(made["examples"]))] if made.get("examples") else []
    lesson += [f"{words['cot']}: {made['cot']}"] if made.get("cot", "off") != "off" else []
    policy = words["version_n"].format(n=made["policy"]) if made.get("policy") is not None else ""
    return [
        (words["backend"], answer["backend"] or words["own_sentence"]),
        (words["adapter"], answer["adapter"] or ""),
        (words["chosen"], " · ".join(filter(None, (words.get(f"chosen_{answer['why']}", answer["why"]), policy)))),
        (words["prompt"], answer["prompt_version"] or "—"),
        (words["taught"], " · ".join(lesson)),
        (words["tokens"], words["tokens_of"].format(**answer["tokens"])),
        (words["times"], _times(answer["latency_ms"], words)),
        (words["searched"], made.get("question") or "—"),
        (words["wanted"], wanted),
        *((words["rung"], f"{name}: {error}") for name, error in answer["rungs"]),
        (words["flag_figures"], ", ".join(map(str, made.get("unsupported_figures", ())))),
    ]


def _times(took: Json, words: Mapping[str, str]) -> str:
    return " · ".join(f"{words[f'stage_{stage}']} {took[stage] / 1000:.2f} s" for stage in _STAGES if stage in took)


def _passages(ask: Ask, line: Json) -> str:
    cited = {citation["id"]: citation["text"] for citation in line["answer"]["citations"]}
    rows = "".join(
        f'<li><span class="score">{p["score"]:.2f}</span><span>{e(p["source"])}{" ★" if p["id"] in cited else ""}</span>'
        f'<meter min="0" max="1" value="{p["score"]:.3f}" aria-label="{e(ask.words["score"])}"></meter>{_cited(ask, line, p, cited)}</li>'
        for p in (line["provenance"] or {}).get("passages", [])
    )
    return f'<h3>{e(ask.words["passages"])}</h3><ol class="passages">{rows}</ol>' if rows else ""


def _cited(ask: Ask, line: Json, passage: Json, cited: Mapping[str, str]) -> str:
    """Its text, where the reply rests on it, and how each leg of the search scored it."""
    legs = " · ".join(f"{name} {score:.2f}" for name, score in passage.get("legs", {}).items())
    text = f"<pre>{e(cited[passage['id']])}</pre>" if passage["id"] in cited else ""
    if not legs and not text:
        return ""
    told = f'<p class="by">{e(legs)}</p>' if legs else ""
    return f'<details id="p-{e(line["id"])}-{e(passage["id"])}"><summary>{e(ask.words["passage_more"])}</summary>{told}{text}</details>'


def _parts(ask: Ask, line: Json) -> str:
    """The tokens of each part of the prompt, as it was cut to the window."""
    return tokens_of_parts(ask, (line["provenance"] or {}).get("tokens", {}))


def tokens_of_parts(ask: Ask, tokens: Mapping[str, int]) -> str:
    """A list of parts with their tokens, those that have none left out."""
    words = ask.words
    rows = "".join(f"<dt>{e(words.get(f'part_{part}', part))}</dt><dd>{count}</dd>" for part, count in tokens.items() if count)
    return f'<h3>{e(words["parts"])}</h3><dl class="parts">{rows}</dl>' if rows else ""


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
