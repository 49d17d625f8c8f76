"""What was said before the newest lines, in short and without a model: what the customer said, what was promised, told and left open.

A summary is plain text, sections under fixed headings, so that it can be read, sent to a model and folded into the next one.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from statistics import fmean
from typing import Literal

from bot.context import Budget, Count, line_size
from bot.messages import Message
from bot.salient import asks, items, outline, promises, weight
from knowledge.chunk import sentences
from knowledge.documents import Language
from knowledge.language import detect, normalise

Kind = Literal["said", "promised", "told", "open"]
KINDS: tuple[Kind, ...] = ("said", "promised", "told", "open")
HEADINGS: dict[str, dict[Kind, str]] = {
    "en": {"said": "The customer said:", "promised": "Promised or decided:", "told": "The customer was told:", "open": "Still open:"},
    "zh": {"said": "客户说：", "promised": "已承诺或决定：", "told": "已告知客户：", "open": "尚未解决："},
}
FULL = 0.75  # of the history's budget: beyond it what is older is summarized
NEWEST = 0.20  # of it: as much of the newest stays as it was said
_KIND_OF = {heading: kind for headings in HEADINGS.values() for kind, heading in headings.items()}
_PUT_OFF = re.compile(
    r"don't know|do not know|couldn't find|not sure|get back to|look into|let me (?:check|see|find)|will check|passed .{0,40} on"
    r"|不知道|没有找到|没找到|不清楚|查一下|核实|确认后|稍后|转(?:接|给|交)",
    re.IGNORECASE,
)
_OPEN_WEIGHT = 2.0  # of a question that was not answered
_MODELS_PART = 4  # a quarter is the model's own; with a half, one of 1.5 billion parameters drove out two facts of 13
_TOLD_BY_MODEL = 2.0  # the least that a line of a summary without headings counts
_LONG = 160  # characters of a sentence, Chinese ones twice; of a longer one only the clauses that count are kept
_CLAUSE = re.compile(r"(?<=[,;]) +|(?<=[，；])")
_MARK = re.compile(r"</?(?:notes|lines)>|^```\w*")
_COPIED = re.compile(r"[-*•\s]*(?:customer|agent|bot|客户|客服)\s*[:：]", re.IGNORECASE)
_END = re.compile(r"[.!?。！？…:：][\"'”’）)]*$")
_AGAIN = 0.5  # what a word counts with every time it was said before
_COVERED = 0.9  # of a point's words: then another text is taken to say it too; a small model's paraphrase of a promise may be wrong


@dataclass(frozen=True, slots=True)
class Summary:
    """Of a conversation up to and with the line at position `upto`.

    made_by: `rules`, or the name of the backend. tokens: of the lines that it stands for, as they were counted when they were folded in.
    """

    upto: int = 0
    text: str = ""
    made_by: str = "rules"
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """One sentence worth keeping. place: its order in time. weight: how much would be lost with it."""

    kind: Kind
    text: str
    place: int
    weight: float


def overdue(history: Sequence[Message], budget: Budget, count: Count) -> int:
    """How many of the oldest lines are to be summarized now: none while the history is within three quarters of its budget.

    As many of the newest as fit a fifth of the budget stay as they were said, from a customer's line on; the last exchange always does.
    """
    room = budget.of("history")
    sizes = [line_size(line, count) for line in history]
    if sum(sizes) <= FULL * room:
        return 0
    kept = 0
    for place in range(len(history) - 1, -1, -1):
        kept += sizes[place]
        if kept > NEWEST * room:
            break
    else:
        return 0
    starts = [at for at, line in enumerate(history) if line.role == "customer"]
    later = [at for at in starts if at > place]
    return later[0] if later else starts[-1] if starts else len(history) - 1


def summarize(old: str, lines: Sequence[Message], budget: Budget, count: Count) -> str:
    """`lines` and the summary of what came before them as one summary within its budget. What counts most is kept, in its order."""
    return written(bounded(points(old, lines), budget.of("summary"), count), language_of(old, lines))


def compact(old: Summary, history: Sequence[Message], budget: Budget, count: Count) -> tuple[Summary, tuple[Message, ...]]:
    """The summary with what is overdue folded in by rules, and the lines that stay."""
    older = overdue(history, budget, count)
    if not older:
        return old, tuple(history)
    text, tokens = summarize(old.text, history[:older], budget, count), sum(line_size(line, count) for line in history[:older])
    return Summary(old.upto + older, text, tokens=old.tokens + tokens), tuple(history[older:])


def completed(summary: str, old: str, lines: Sequence[Message], budget: Budget, count: Count) -> str:
    """A model's summary of `old` and `lines` in a quarter of the budget, and what it left out: codes, amounts, dates, promises.

    A sentence that it says again, or that names a figure nobody named, does not count as said: small models do both. What it copies from
    under the headings of the old summary is left to the rules, which weigh it anew.
    """
    room, known = budget.of("summary"), points(old, lines)
    kept = _within(_sound(summary, "\n".join([old, *(line.text for line in lines)]), known), room // _MODELS_PART, count)
    said = [normalise(sentence).lower() for line in kept.splitlines() for sentence in sentences(line)]
    missing = [point for point in known if not any(_covers(sentence, point) for sentence in said)]
    added = written(bounded(missing, room - count(kept) - 1, count), language_of(old, lines))
    return f"{kept}\n{added}".strip()


def own_words(reply: str) -> str:
    """A model's summary without what is none: marks around it, lines of the conversation that it copied, a last sentence that was cut off.

    The last one was cut off when it does not end as others do.
    """
    lines = [plain for line in reply.splitlines() if (plain := _MARK.sub("", line).strip()) and not _COPIED.match(plain)]
    ended = [bool(_END.search(line)) for line in lines]
    if len(lines) > 1 and any(ended) and not ended[-1]:
        lines = [*lines[:-1], *[text for text in (" ".join(sentences(lines[-1])[:-1]),) if text]]
    return "\n".join(lines)


def points(old: str, lines: Iterable[Message]) -> list[Point]:
    """What is worth keeping of an old summary and of the lines after it, in the order of time, each thing once."""
    found: dict[str, Point] = {}
    for kind, text, worth in [*_read(old), *_told(list(lines))]:
        if worth > 0:
            found.setdefault(normalise(text).casefold(), Point(kind, text, len(found), worth))
    whole = list(found)
    return [point for key, point in found.items() if not any(key in other and key != other for other in whole)]


def bounded(known: Sequence[Point], room: int, count: Count) -> list[Point]:
    """Those that count most within `room` tokens, headings included, in the order of time.

    One at a time, each weighed by what it says that those taken before it do not: a word counts half as much with every time it was said
    (greedy maximization of a coverage that saturates, Lin and Bilmes 2011), so that the tenth request of a kind does not drive out the one
    address. Of two that count alike the later one goes first.
    """
    left = room - sum(count(f"{heading}\n") for heading in HEADINGS["en"].values())
    words = {point: outline(point.text) for point in known}
    said: Counter[str] = Counter()

    def worth(point: Point) -> float:
        return point.weight * fmean(_AGAIN ** said[word] for word in words[point] or {""})

    # Worth only ever falls, so a point whose worth is still above all others' old one is the best (Minoux 1978).
    heap = [(-worth(point), -point.place, point) for point in known]
    heapify(heap)
    kept = []
    while heap:
        _, place, point = heappop(heap)
        now = worth(point)
        if heap and -now > heap[0][0]:
            heappush(heap, (-now, place, point))
        elif (size := count(f"- {point.text}\n")) <= left:
            kept.append(point)
            left -= size
            said.update(words[point])
    return sorted(kept, key=lambda one: one.place)


def written(known: Sequence[Point], language: Language) -> str:
    """Points as a summary's text, under their headings; empty without points."""
    headings = HEADINGS["zh" if language == "zh" else "en"]
    sections = [(kind, [point.text for point in known if point.kind == kind]) for kind in KINDS]
    return "\n".join("\n".join([headings[kind], *(f"- {text}" for text in texts)]) for kind, texts in sections if texts)


def language_of(old: str, lines: Sequence[Message]) -> Language:
    """The language that a summary is written in: the conversation's."""
    return "zh" if detect(" ".join([old, *(line.text for line in lines)])) == "zh" else "en"


def _read(summary: str) -> Iterator[tuple[Kind, str, float]]:
    """A summary's points again. Lines under no heading of ours are a model's, and weigh as if they had been told."""
    kind: Kind | None = None
    for line in summary.splitlines():
        if heading := _KIND_OF.get(line.strip()):
            kind = heading
        elif kind:
            text = line.removeprefix("- ").strip()
            yield kind, text, _OPEN_WEIGHT if kind == "open" else max(0.1, weight(text, customer=kind == "said"))
        else:
            for text in sentences(line):
                yield "told", text.removeprefix("- "), max(_TOLD_BY_MODEL, weight(text, customer=True))


def _told(lines: Sequence[Message]) -> Iterator[tuple[Kind, str, float]]:
    for place, line in enumerate(lines):
        customer = line.role == "customer"
        reply = next((later.text for later in lines[place + 1 :] if later.role != "customer"), "")
        for sentence in sentences(line.text):
            text = _clauses(sentence, customer=customer)
            if customer and asks(text) and _PUT_OFF.search(reply):
                yield "open", text, _OPEN_WEIGHT + weight(text, customer=True)
            else:
                kind: Kind = "said" if customer else "promised" if promises(text) else "told"
                yield kind, text, weight(text, customer=customer)


def _clauses(sentence: str, *, customer: bool) -> str:
    """A sentence of bearable length: of a long one the clauses that count, as they were said."""
    text = " ".join(sentence.split())
    if len(text) * (2 if detect(text) == "zh" else 1) <= _LONG:
        return text
    parts = _CLAUSE.split(text)
    kept = [part for part in parts if weight(part, customer=customer) > 0]
    return ("" if detect(text) == "zh" else " ").join(kept) if kept else text[:_LONG]


def _covers(said: str, point: Point) -> bool:
    """Whether a sentence, lower-cased, says what the point says: all that it names, and most of its words."""
    wanted = _words(point.text)
    found = sum(word in said for word in wanted)
    return all(item in said for item in items(point.text)) and found >= _COVERED * len(wanted)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z']{3,}|\d+|[\u4e00-\u9fff]{2}", normalise(text).lower()))


def _sound(summary: str, source: str, known: Sequence[Point]) -> list[str]:
    """A model's lines, each of its sentences once and none with a figure, a code or a date that the source does not have."""
    said, seen = _tight(source), set[str]()
    copied = {_tight(f"- {point.text}") for point in known}
    kept = []
    for line in summary.splitlines():
        if line.strip() in _KIND_OF or _tight(line) in copied:
            continue
        whole = []
        for sentence in sentences(line):
            key = _tight(sentence)
            named = (re.escape(_tight(item)) for item in items(sentence) if any(letter.isdigit() for letter in item))
            if key not in seen and all(re.search(rf"(?<!\d){item}(?!\d)", said) for item in named):
                whole.append(sentence)
            seen.add(key)
        kept += [" ".join(whole)] if whole else []
    return kept


def _tight(text: str) -> str:
    """Normalised, lower-cased, without white space."""
    return "".join(normalise(text).lower().split())


def _within(lines: Sequence[str], room: int, count: Callable[[str], int]) -> str:
    """As many whole lines, or of the first as many sentences, as fit."""
    kept: list[str] = []
    for line in lines if len(lines) > 1 else sentences("\n".join(lines)):
        if count("\n".join([*kept, line])) > room:
            break
        kept.append(line)
    return "\n".join(kept)
