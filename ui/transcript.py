"""A conversation as the customer's page shows it: a list of items, each a stable key and its HTML.

Everything that people, models or documents wrote is escaped here, on the server; the page's script only puts items in place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape

from bot.elsewhere import Elsewhere
from bot.ending import BEST, WORST, Ending
from bot.messages import Answer, Citation
from bot.records import Line, State
from knowledge.records import Record
from ui import cards
from ui.languages import Texts
from ui.links import linked
from ui.markdown import to_html
from ui.marks import marks

Item = dict[str, str]  # `key` and `html`


@dataclass(frozen=True, slots=True)
class Standing:
    """How a conversation stands beside what was said in it.

    person: who has taken over. back: when somebody is at the desk again, None where somebody is. contact: where else to turn.
    left: who gave it back to the bot when it ended last. other: what goes on in another conversation of the same customer.
    """

    state: State = "bot"
    person: str = ""
    ending: Ending = field(default_factory=Ending)
    back: datetime | None = None
    contact: str = ""
    left: str = ""
    other: Elsewhere | None = None


def items(
    lines: Sequence[Line], now: Standing, words: Texts, *, records: Mapping[str, Record] | None = None, answering: Item | None = None
) -> list[Item]:
    """The whole conversation: the greeting, what was said, whether a person has been asked for, the rating at its end.

    records: the rows of tables that citations stand in, by the citation's id. answering: what stands below the customer's last message
    while its reply is being made.
    """
    shown = [greeting(words, with_questions=not lines)]
    over = now.ending.at if now.left else None
    for place, line in enumerate(lines):
        if over and line.at > over:
            shown.append(_left(now.left, words))
            over = None
        if line.role == "customer":
            shown.append(question(line.id, line.text, words))
        else:
            shown.append(reply(line, words, last=place == len(lines) - 1, records=records, offer=now.state in ("bot", "closed")))
    if over:
        shown.append(_left(now.left, words, lines[-1].id if lines[-1].for_person and not answering else ""))
    if lines and lines[-1].role == "customer":
        if answering:
            shown.append(answering)
        elif now.state in {"bot", "closed"} and not lines[-1].for_person:
            shown.append(unanswered(lines[-1].id, words))
    asked = [line.at for line in lines if line.answer and line.answer.route == "human"]
    if now.state == "waiting" and asked:
        shown.append(waiting(asked[0], now, words))
    if now.person and not any(line.author == now.person for line in lines[-20:]):
        shown.append(_notice("person", words.person_here.format(name=now.person)))
    elif now.state == "closed":
        shown.append(_notice("closed", words.closed))
    if lines and now.ending.at and not answering and all(line.at <= now.ending.at for line in lines if line.role == "customer"):
        shown.append(rating(now.ending.score, words))
    return shown


def rating(score: int | None, words: Texts) -> Item:
    """The question how the conversation was, or thanks for the answer."""
    if score is not None:
        stars = "".join(f'<i class="star{" on" * (n <= score)}"></i>' for n in range(WORST, BEST + 1))
        thanks = f'<p class="stars" aria-hidden="true">{stars}</p><p>{_e(words.score_thanks.format(n=score))}</p>'
        return {"key": "rating", "html": f'<div class="rating rated" role="status">{thanks}</div>'}
    stars = "".join(
        f'<label class="star" title="{_e(name)}"><input type="radio" name="score" value="{n}" required '
        f'aria-label="{_e(words.score_n.format(n=n, name=name))}"></label>'
        for n, name in enumerate(words.scores, WORST)
    )
    why = f'<label for="score-why">{_e(words.score_why)}</label><input id="score-why" type="text" maxlength="500" autocomplete="off">'
    send = f'<button type="submit" class="primary">{_e(words.score_send)}</button>'
    html = (
        f'<form class="rating"><fieldset><legend>{_e(words.score_title)}</legend><div class="stars">{stars}</div></fieldset>'
        f'<div class="more" hidden>{why}{send}</div></form>'
    )
    return {"key": "rating", "html": html}


def greeting(words: Texts, with_questions: bool) -> Item:
    """What the page opens with; the suggested questions go once something was said."""
    chips = "".join(_chip(suggestion) for suggestion in words.suggestions) if with_questions else ""
    group = f'<div class="chips" role="group" aria-label="{_e(words.suggestions_label)}">{chips}</div>' if chips else ""
    text = f"<h2>{_e(words.greeting_title)}</h2><p>{_e(words.greeting_text)}</p>"
    wide = " welcome" if with_questions else ""
    return {"key": "greeting", "html": f'<section class="greeting{wide}"><span class="avatar"></span>{text}{group}</section>'}


def strip(other: Elsewhere | None, words: Texts) -> str:
    """Above the box where one writes: that a person is at work in another conversation, and the way there."""
    if other is None:
        return ""
    told = _e(words.elsewhere)
    if other.at:
        told = _e(words.elsewhere_said.format(name=other.person or words.person, time="{time}")).replace("{time}", _moment(other.at))
    return f'<p>{told}</p><button type="button" class="chip" data-open="{_e(other.conversation)}">{_e(words.elsewhere_open)}</button>'


def footnote(words: Texts) -> str:
    """Below the conversation: a warning, the way to end it, and what a customer may do with their own data."""

    def act(name: str, text: str, kind: str) -> str:
        return f'<button type="button" data-{name} class="{kind}">{_e(text)}</button>'

    close = f'<button type="button" class="act close" data-close {_named(words.data_close)}></button>'
    ask = (
        f'<div class="ask"><h2 id="data-title">{_e(words.data_title)}</h2><p>{_e(words.data_text)}</p>'
        f"{act('download', words.data_download, 'wide')}{act('erase', words.data_erase, 'wide danger')}</div>"
    )
    sure = (
        f'<div class="sure" hidden><h2>{_e(words.data_sure_title)}</h2><p>{_e(words.data_sure_text)}</p>'
        f"{act('keep', words.data_keep, 'wide')}{act('sure', words.data_sure, 'wide danger')}</div>"
    )
    return (
        f'<div class="foot"><p>{_e(words.footnote)}</p>{act("end", words.end, "link end")}{act("data", words.data, "link")}</div>'
        f'<dialog class="data" aria-labelledby="data-title">{close}{ask}{sure}</dialog>'
    )


def question(message: str, text: str, words: Texts) -> Item:
    """The customer's own words, never read as Markdown."""
    body = f'<span class="sr">{_e(words.you)}: </span><div class="text">{_e(text)}</div>'
    return {"key": f"q:{message}", "html": f'<article class="question" data-message="{_e(message)}">{body}</article>'}


def typing(message: str, words: Texts) -> Item:
    """Shown from the moment of sending until the first words."""
    return _said("typing", f"a:{message}", f'<p class="dots"><span class="sr">{_e(words.typing)}</span><i></i><i></i><i></i></p>', words)


def partial(message: str, text: str, words: Texts) -> Item:
    """The words so far."""
    return _said("growing", f"a:{message}", f'<div class="text">{to_html(text, {})}</div>', words)


def unanswered(message: str, words: Texts) -> Item:
    """A message that was saved and got no reply: the same message can be tried again."""
    retry = f'<button type="button" class="chip" data-retry="{_e(message)}">{_e(words.try_again)}</button>'
    return {"key": f"a:{message}", "html": f'<div class="notice problem"><p>{_e(words.unanswered)}</p>{retry}</div>'}


def waiting(since: datetime, now: Standing, words: Texts) -> Item:
    """A person was asked for: since when, when somebody is there again, and where else to turn.

    The page's script puts the times in the visitor's own zone.
    """
    told = _e(words.waiting_text).replace("{time}", _moment(since))
    if now.back:
        back = now.back.astimezone(UTC)
        day = f'<time datetime="{back.isoformat()}" data-day>{back:%Y-%m-%d %H:%M} UTC</time>'
        told += f'</p><p class="away">{_e(words.waiting_away).replace("{time}", day)}'
    reach = f"<p>{_e(words.waiting_contact.format(contact=now.contact))}</p>" if now.contact else ""
    html = f'<div class="notice waiting"><h3>{_e(words.waiting_title)}</h3><p>{told}</p>{reach}</div>'
    return {"key": "waiting", "html": html}


def _moment(at: datetime) -> str:
    utc = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    return f'<time datetime="{utc.isoformat()}">{utc:%H:%M} UTC</time>'


def _left(name: str, words: Texts, open_message: str = "") -> Item:
    """A person has given the conversation back. open_message: the customer's last one, where they did not answer it any more."""
    ask = f'<button type="button" class="chip" data-retry="{_e(open_message)}">{_e(words.ask_bot)}</button>' if open_message else ""
    return {"key": "n:left", "html": f'<div class="notice left" role="status"><p>{_e(words.person_left.format(name=name))}</p>{ask}</div>'}


def _notice(key: str, text: str) -> Item:
    return {"key": key, "html": f'<div class="notice {key}" role="status"><p>{_e(text)}</p></div>'}


def reply(line: Line, words: Texts, last: bool, records: Mapping[str, Record] | None = None, *, offer: bool = True) -> Item:
    """A finished reply with its sources and what can be done with it; a person's reply is only its text, with links.

    offer: a person may be offered, as none has been asked for.
    """
    answer = line.answer
    if answer is None:
        who = f'<p class="who" aria-hidden="true">{_e(line.author)}</p>' if line.author else ""
        body = f'{who}<div class="text"><p class="plain">{linked(line.text)}</p></div>'
        return _said("person" if line.role == "agent" else "", f"l:{line.id}", body, words, speaker=line.author)
    body = f'<div class="text">{to_html(answer.text, marks(answer))}</div>' if answer.text else ""
    if answer.interrupted:
        body += f'<p class="stopped">{_e(words.stopped)}</p>'
    cited = (records[citation.id] for citation in answer.citations if citation.id in records) if records else ()
    body += cards.cards(cards.cards_of(cited), words)
    body += _sources(answer.citations, words)
    if answer.route != "human":
        body += _actions(line, words)
    if last:
        body += _next(answer, words, offer)
    return _said("", f"a:{answer.message}", body, words, {"data-reply": line.id})


def highlighted(text: str, quote: str) -> str:
    """The passage, escaped, with the cited sentence marked where it stands in it, whatever the white space between its words."""
    words = quote.split()
    found = re.search(r"\s+".join(map(re.escape, words)), text) if words else None
    if found is None:
        return _e(text)
    return f"{_e(text[: found.start()])}<mark>{_e(found[0])}</mark>{_e(text[found.end() :])}"


def _sources(citations: Sequence[Citation], words: Texts) -> str:
    if not citations:
        return ""
    rows = "".join(_source(number, citation, words) for number, citation in enumerate(citations, 1))
    return f'<section class="sources" aria-label="{_e(words.sources)}"><h3>{_e(words.sources)}</h3>{rows}</section>'


def _source(number: int, citation: Citation, words: Texts) -> str:
    name = f'<span class="title">{_e(citation.title or citation.source)}</span>'
    path = f'<span class="path">{_e(citation.source)}</span>' if citation.title not in ("", citation.source) else ""
    label = f'<span class="sr">{_e(words.source_n.format(n=number))}: </span><span class="number" aria-hidden="true">{number}</span>'
    passage = highlighted(citation.text, citation.quote)
    return f'<details data-number="{number}"><summary>{label}{name}{path}</summary><blockquote>{passage}</blockquote></details>'


def _actions(line: Line, words: Texts) -> str:
    up, down = line.rating == 1, line.rating == -1
    buttons = (
        f'<button type="button" class="act up" data-rate="1" aria-pressed="{str(up).lower()}" {_named(words.helpful)}></button>'
        f'<button type="button" class="act down" data-rate="-1" aria-pressed="{str(down).lower()}" {_named(words.not_helpful)}></button>'
        f'<button type="button" class="act copy" data-copy {_named(words.copy)}></button>'
        f'<button type="button" class="act again" data-again {_named(words.again)}></button>'
    )
    return f'<div class="actions">{buttons}<span class="said" role="status"></span></div>{_why(line.id, words)}'


def _why(reply_id: str, words: Texts) -> str:
    """The short form that opens on a thumb down."""
    title, field = f"why-{_e(reply_id)}", f"more-{_e(reply_id)}"
    reasons = "".join(
        f'<button type="button" class="chip" data-why aria-pressed="false">{_e(reason)}</button>' for reason in words.why_reasons
    )
    return (
        f'<form class="why" hidden aria-labelledby="{title}"><div class="top"><strong id="{title}">{_e(words.why_title)}</strong>'
        f'<button type="button" class="act close" data-close {_named(words.why_close)}></button></div>'
        f'<div class="chips">{reasons}</div><label for="{field}">{_e(words.why_label)}</label>'
        f'<div class="row"><input id="{field}" type="text" maxlength="500" autocomplete="off">'
        f'<button type="submit" class="primary">{_e(words.why_send)}</button></div></form>'
    )


def _next(answer: Answer, words: Texts, offer: bool) -> str:
    """What the customer may want to say now."""
    person = [_chip(words.talk_request, words.talk)] if answer.abstained and offer else []
    chips = "".join([*person, *map(_chip, answer.suggestions[:4])])
    return f'<div class="chips next">{chips}</div>' if chips else ""


def _chip(says: str, label: str = "") -> str:
    return f'<button type="button" class="chip" data-ask="{_e(says)}">{_e(label or says)}</button>'


def _said(kind: str, key: str, body: str, words: Texts, data: Mapping[str, str] | None = None, *, speaker: str = "") -> Item:
    who = speaker or (words.person if kind == "person" else words.assistant)
    attributes = "".join(f' {name}="{_e(value)}"' for name, value in (data or {}).items())
    html = f'<article class="reply {kind}"{attributes}><span class="sr">{_e(who)}: </span>{body}</article>'
    return {"key": key, "html": html}


def _named(name: str) -> str:
    return f'aria-label="{_e(name)}" title="{_e(name)}"'


def _e(text: str) -> str:
    return escape(text, quote=True)
