"""The tuned model against the best prompt, on the same held-out conversations with the same passages; then what it forgot."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bot.backends.base import Backend, Options
from bot.errors import BadReply, ContextOverflow
from bot.messages import Example, Prompt
from finetune.bootstrap import paired
from finetune.dataset import Case, Voice, prompt_of
from finetune.gate import Evaluation, Verdict, gate
from finetune.scores import Reply, Scored, score, summary

SHOTS = (0, 2, 4)  # worked examples in a prompt, the settings that are tried
_CHOOSING = 24  # validation cases on which the best of them is found

Shots = Callable[[Case, int], Sequence[Example]]
"""So many approved examples for a case, the most fitting first."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the measurement needs to know of the adapter itself: how many rows it learned from, and whether its files are sound."""

    rows: int
    finite: bool = True
    same_base: bool = True
    same_template: bool = True
    leaks: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """All replies and what they come to. shots: of the best prompt. settings: F1 on the validation cases by number of shots.

    plain: the base's replies to a prompt without examples.
    """

    prompt: tuple[Scored, ...]
    tuned: tuple[Scored, ...]
    general_base: tuple[Scored, ...]
    general_tuned: tuple[Scored, ...]
    shots: int
    settings: Mapping[int, float]
    found: Evaluation
    verdict: Verdict
    prices: tuple[float, float] = (0.0, 0.0)
    plain: tuple[Scored, ...] = ()


@dataclass
class _Asking:
    """Asks backends, counts what was done."""

    voice: Voice
    options: Options
    progress: Progress
    total: int
    at_once: int
    done: int = field(default=0)

    def ask(self, backend: Backend, cases: Sequence[Case], what: str, shots: Callable[[Case], Sequence[Example]]) -> list[Scored]:
        """A reply to each case, in their order. Asked in waves of prompts of like lengths: a local model makes each wave one batch."""
        prompts = [prompt_of(case, self.voice, shots(case)) for case in cases]
        texts = [[message.text for message in prompt.messages] for prompt in prompts]
        order = sorted(range(len(cases)), key=lambda place: sum(map(len, texts[place])))

        def one(place: int) -> Scored:
            return score(cases[place], reply_of(backend, prompts[place], self.options), texts[place])

        scored: dict[int, Scored] = {}
        with ThreadPoolExecutor(self.at_once) as pool:
            for start in range(0, len(order), self.at_once):
                wave = order[start : start + self.at_once]
                scored.update(zip(wave, pool.map(one, wave), strict=True))
                self.done += len(wave)
                self.progress(self.done, self.total, what)
        return [scored[place] for place in range(len(cases))]


def reply_of(backend: Backend, prompt: Prompt, options: Options) -> Reply:
    """One reply, timed. A prompt that does not fit, and a reply of nothing, are an empty reply: that is what a customer would have got."""
    began = time.perf_counter()
    try:
        text = "".join(backend.stream(prompt, options)).strip()
    except (ContextOverflow, BadReply):
        text = ""
    seconds = time.perf_counter() - began
    return Reply(text, sum(backend.count(message.text) for message in prompt.messages), backend.count(text) if text else 0, seconds)


def evaluate(
    base: Backend,
    tuned: Backend,
    *,
    held: Sequence[Case],
    choosing: Sequence[Case],
    general: Sequence[Case],
    shots: Shots,
    facts: Facts,
    voice: Voice,
    options: Options | None = None,
    settings: Sequence[int] = SHOTS,
    prices: tuple[float, float] = (0.0, 0.0),
    progress: Progress = lambda *_: None,
    at_once: int = 1,
) -> Measured:
    """Measure and judge. base: the model without an adapter, prompted; a hosted one may stand here.

    held: cases that neither trained nor chose anything. choosing: the number of shots is found on these. general: of `dataset.general` and
    refusals. prices: of a thousand tokens, the prompted and the tuned one's. at_once: replies being made at a time. Raises `ValueError`
    without held-out cases, and the `BackendError` of a backend that does not answer.
    """
    if not held:
        raise ValueError("there are no held-out cases to measure on; approve more examples, of at least two customers")
    chosen = list(choosing)[:_CHOOSING]
    total = len(settings) * len(chosen) + 3 * len(held) + 2 * len(general)
    asking = _Asking(voice, options or Options(max_tokens=96), progress, total, at_once)
    tried = {
        count: _f1(asking.ask(base, chosen, f"prompt with {count} examples", lambda case, n=count: shots(case, n)))  # type: ignore[misc]
        for count in settings
        if chosen
    }
    best = max(tried, key=lambda count: (tried[count], -count)) if tried else 0
    plain = asking.ask(base, held, "base", lambda _: ())
    prompt = asking.ask(base, held, f"best prompt ({best} examples)", lambda case: shots(case, best)) if best else plain
    own = asking.ask(tuned, held, "tuned", lambda _: ())
    before = asking.ask(base, general, "general rows, base", lambda _: ())
    after = asking.ask(tuned, general, "general rows, tuned", lambda _: ())
    found = _found(plain, prompt=prompt, own=own, before=before, after=after, facts=facts)
    return Measured(tuple(prompt), tuple(own), tuple(before), tuple(after), best, tried, found, gate(found), prices, tuple(plain))


def _found(
    plain: Sequence[Scored],
    *,
    prompt: Sequence[Scored],
    own: Sequence[Scored],
    before: Sequence[Scored],
    after: Sequence[Scored],
    facts: Facts,
) -> Evaluation:
    groups = [one.case.conversation for one in own]
    difference, low, high = paired([one.f1 for one in own], [one.f1 for one in prompt], groups)
    languages = sorted({one.case.language for one in own})
    pairs: dict[str, tuple[list[Scored], list[Scored]]] = {
        **{name: (_of(own, name), _of(prompt, name)) for name in languages},
        "general": (_kind(after, "general"), _kind(before, "general")),
        "refusals": (_kind(after, "refusal"), _kind(before, "refusal")),
    }
    return Evaluation(
        rows=facts.rows,
        held=len(set(groups)),
        difference=difference,
        interval=(low, high),
        tuned_f1=_f1(own),
        prompt_f1=_f1(prompt),
        languages={name: (_f1(_of(own, name)), _f1(_of(prompt, name))) for name in languages},
        general=(_f1(_kind(after, "general")), _f1(_kind(before, "general"))) if _kind(after, "general") else None,
        refusals=(_declined(after), _declined(before)) if _kind(after, "refusal") else None,
        highest={name: _highest(*pair, refused=name == "refusals") for name, pair in pairs.items() if pair[0]},
        invented=(_share([one.invented for one in own]), _share([one.invented for one in prompt])),
        loops=_share([one.loops for one in own]),
        changed=_share([one.reply.text != other.reply.text for one, other in zip(own, plain, strict=True)]),
        finite=facts.finite,
        same_base=facts.same_base,
        same_template=facts.same_template,
        leaks=facts.leaks,
    )


def report(measured: Measured) -> dict[str, Any]:
    """What `finetune evaluate` prints."""
    found = measured.found
    general, refusals = found.general, found.refusals
    return {
        "best_prompt": {"shots": measured.shots, **summary(measured.prompt, measured.prices[0])},
        "tuned": summary(measured.tuned, measured.prices[1]),
        "difference": round(found.difference, 4),
        "interval": [round(edge, 4) for edge in found.interval],
        "forgetting": round(general[1] - general[0], 4) if general else None,
        "abstention": {"tuned": round(refusals[0], 4), "base": round(refusals[1], 4)} if refusals else None,
        **measured.verdict.to_json(),
        "conversations": found.held,
        "rows": found.rows,
        "languages": {name: {"tuned": round(own, 4), "prompt": round(other, 4)} for name, (own, other) in found.languages.items()},
        "shots": {str(count): round(value, 4) for count, value in measured.settings.items()},
        "changed": round(found.changed, 4),
        "general": {"tuned": round(general[0], 4), "base": round(general[1], 4)} if general else None,
    }


def _highest(tuned: Sequence[Scored], other: Sequence[Scored], *, refused: bool) -> float:
    """The upper end of the interval of tuned minus other, in token F1 or in refusals, by conversation."""
    one, two = ([float(each.declined) if refused else each.f1 for each in some] for some in (tuned, other))
    return paired(one, two, [each.case.conversation for each in tuned])[2]


def _of(scored: Sequence[Scored], language: str) -> list[Scored]:
    return [one for one in scored if one.case.language == language]


def _kind(scored: Sequence[Scored], kind: str) -> list[Scored]:
    return [one for one in scored if one.case.kind == kind]


def _declined(scored: Sequence[Scored]) -> float:
    return _share([one.declined for one in _kind(scored, "refusal")])


def _f1(scored: Sequence[Scored]) -> float:
    return _share([one.f1 for one in scored])


def _share(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
