"""How good replies are beside what people said: one reply, and many of them together. Shares are 0..1, chrF and BLEU 0..100."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bot.declines import declines
from bot.metrics import exact_match, f1, unsupported, unsupported_figures
from bot.triage import language_of
from finetune.dataset import Case
from knowledge.language import CJK

_UNIT = re.compile(rf"[{CJK}]|[^\W_]+")
_REPEATED, _RUN = 4, 4  # times, and units in a row


@dataclass(frozen=True, slots=True)
class Reply:
    """What a backend said. tokens: of the prompt and of the reply, in its own. seconds: until the reply was whole."""

    text: str
    prompt_tokens: int
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Scored:
    """One reply to one case. grounded: every sentence stands in the passages; None where there are none or it declines."""

    case: Case
    reply: Reply
    f1: float
    exact: float
    grounded: bool | None
    invented: bool
    declined: bool
    loops: bool
    drifted: bool


def score(case: Case, reply: Reply, evidence: Sequence[str]) -> Scored:
    """Judge a reply. evidence: all the texts that the model was shown, the question too."""
    text = reply.text
    declined = declines(text) or _same_refusal(case, text)
    passages = [passage.chunk.titled for passage in case.parts.passages]
    return Scored(
        case,
        reply,
        f1=f1(text, [case.expected]),
        exact=exact_match(text, [case.expected]),
        grounded=None if not passages or declined or not text.strip() else not unsupported(text, evidence),
        invented=bool(unsupported_figures(text, evidence)),
        declined=declined,
        loops=loops(text),
        drifted=case.language in ("en", "zh") and language_of(text) not in (None, case.language),
    )


def _same_refusal(case: Case, text: str) -> bool:
    """A base may have a refusal of its own, which counts as one where it is what was wanted."""
    return case.kind == "refusal" and f1(text, [case.expected]) >= 0.8


def loops(text: str) -> bool:
    """Whether a text goes round in a circle: the same four units in a row, at least four times."""
    units = _UNIT.findall(text.lower())
    runs = Counter(tuple(units[at : at + _RUN]) for at in range(len(units) - _RUN + 1))
    return bool(runs) and max(runs.values()) >= _REPEATED


def summary(scored: Sequence[Scored], price: float = 0.0) -> dict[str, Any]:
    """The measures of many replies. price: of a thousand tokens; cost is of a thousand replies, in the same currency."""
    if not scored:
        return {"n": 0}
    replies = [one.reply for one in scored]
    judged = [one.grounded for one in scored if one.grounded is not None]
    tokens = sum(reply.prompt_tokens + reply.tokens for reply in replies)
    return {
        "n": len(scored),
        "f1": _mean([one.f1 for one in scored]),
        "exact_match": _mean([one.exact for one in scored]),
        **_corpus(scored),
        "grounded": _mean(judged) if judged else None,
        "unsupported_figures": _mean([one.invented for one in scored]),
        "declined": _mean([one.declined for one in scored]),
        "loops": _mean([one.loops for one in scored]),
        "other_language": _mean([one.drifted for one in scored]),
        "characters": _mean([len(reply.text) for reply in replies]),
        "tokens": {
            "prompt": _mean([reply.prompt_tokens for reply in replies]),
            "completion": _mean([reply.tokens for reply in replies]),
        },
        "latency_ms": round(1000 * median(reply.seconds for reply in replies), 1),
        "cost": round(1000 * tokens / len(scored) * price / 1000, 4),
    }


def _corpus(scored: Sequence[Scored]) -> dict[str, float]:
    """chrF and BLEU over all replies; Chinese ones are cut into characters (sacrebleu's `zh`)."""
    from sacrebleu.metrics import BLEU, CHRF

    chinese = sum(one.case.language == "zh" for one in scored) * 2 > len(scored)
    said, wanted = [one.reply.text for one in scored], [[one.case.expected for one in scored]]
    bleu = BLEU(tokenize="zh" if chinese else "13a", effective_order=True).corpus_score(said, wanted)
    return {"chrf": round(CHRF().corpus_score(said, wanted).score, 2), "bleu": round(bleu.score, 2)}


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0
