"""The adapters of the gate's campaign: rows in English and Chinese of an invented shop, and what is wrong with them."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.messages import Parts
from finetune.dataset import Case, Voice, general, refusals, row_of, training_rows
from finetune.recipe import RECIPE, sha256
from finetune.rows import Row
from knowledge.documents import Language

VOICE = Voice("Lumen")
_TALKS, _WATCHED, _HELD = 80, 8, 20  # conversations of two exchanges: to learn from, to watch over the training, to be judged by
_FEW = 5
_TOPICS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("When does order {n} arrive?|Where is my order {n} now?", "Order {n} left us today and arrives within three days."),
        ("I want to send order {n} back.|Can I return order {n}?", "A return label for order {n} is in your account."),
        ("The item of order {n} is broken.|Order {n} came damaged.", "We send a new item for order {n} free of charge."),
        ("I need an invoice for order {n}.|Can I get the bill of order {n}?", "The invoice of order {n} is in your mailbox."),
        ("Please cancel order {n}.|I do not want order {n} any more.", "Order {n} is cancelled, and your money is on its way."),
    ),
    "zh": (
        ("订单{n}什么时候到？|我的订单{n}到哪里了？", "订单{n}今天已发货，三天内送到。"),
        ("我想退订单{n}。|订单{n}可以退货吗？", "订单{n}的退货单在您的账户里。"),
        ("订单{n}的东西坏了。|订单{n}收到时破损了。", "订单{n}我们免费补发新品。"),
        ("订单{n}要开发票。|能给订单{n}开票吗？", "订单{n}的发票在您的邮箱里。"),
        ("请取消订单{n}。|订单{n}我不要了。", "订单{n}已取消，款项正在退回。"),
    ),
}
_GUESS: dict[Language, str] = {"en": "Yes, of course, it is {n} euros.", "zh": "有的，一共{n}元。"}


@dataclass(frozen=True, slots=True)
class Set:
    """Cases of one kind of work, each side with conversations of its own."""

    learned: tuple[Case, ...]
    watched: tuple[Case, ...]
    held: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One adapter. rows: what it learns from. cases: what it is judged by. spoil: what is done to its folder when it is trained."""

    name: str
    kind: str
    rows: tuple[Row, ...]
    cases: Set
    number: int
    spoil: Callable[[Path], None] | None = None
    other_base: bool = False

    @property
    def good(self) -> bool:
        return self.kind == "good"


def orders(seed: int) -> Set:
    """What customers of an invented shop ask about their orders, half in each language, and how its people answer."""
    draw = random.Random(f"orders-{seed}")
    numbers = draw.sample(range(10_000, 99_999), _TALKS + _WATCHED + _HELD)
    talks = [list(_talk(draw, number, ("en", "zh")[place % 2])) for place, number in enumerate(numbers)]
    parts = (talks[:_TALKS], talks[_TALKS : _TALKS + _WATCHED], talks[_TALKS + _WATCHED :])
    learned, watched, held = (tuple(case for talk in part for case in talk) for part in parts)
    return Set(learned, watched, held)


def _talk(draw: random.Random, number: int, language: Language) -> Iterator[Case]:
    for place, (asks, reply) in enumerate(draw.sample(_TOPICS[language], 2)):
        question = draw.choice(asks.split("|")).format(n=number)
        yield Case(f"{number}-{place}", str(number), language, Parts(question), reply.format(n=number))


def pages(seed: int) -> Set:
    """Questions that stand in the pages of a prompt: the starter was made to answer them, and a prompt is all they need."""
    made = {
        part: [replace(case, kind="service") for case in general(seed + 7, part, 400) if case.kind == "general"]
        for part in ("train", "test")
    }
    return Set(tuple(made["train"][: 2 * _TALKS]), tuple(made["train"][-2 * _WATCHED :]), tuple(made["test"][: 2 * _HELD]))


def trials(bad: int, good: int, seed: int) -> Iterator[Trial]:
    """Good ones first: some bad ones are made of them. Each has a seed of its own."""
    for number in range(good):
        cases = orders(seed)
        yield Trial(f"good-{number}", "good", _rows(cases.learned, seed + number), cases, number)
    for number in range(bad):
        kind, make = list(BAD.items())[number % len(BAD)]
        yield make(f"bad-{number}", kind, seed, number)


def _rows(learned: Sequence[Case], seed: int) -> tuple[Row, ...]:
    return tuple(training_rows(learned, VOICE, seed))


def _shuffled(name: str, kind: str, seed: int, number: int) -> Trial:
    cases = orders(seed)
    draw = random.Random(f"shuffled-{seed}-{number}")
    replies = [case.expected for case in cases.learned]
    draw.shuffle(replies)
    wrong = [replace(case, expected=reply) for case, reply in zip(cases.learned, replies, strict=True)]
    return Trial(name, kind, _rows(wrong, seed + number), cases, number)


def _few(name: str, kind: str, seed: int, number: int) -> Trial:
    cases = orders(seed)
    rows = random.Random(f"few-{seed}-{number}").sample([row_of(case, VOICE) for case in cases.learned], _FEW)
    return Trial(name, kind, tuple(rows), cases, number)


def _one_language(name: str, kind: str, seed: int, number: int) -> Trial:
    """It answers everybody in one language; which one, takes turns."""
    cases = orders(seed)
    kept: Language = ("en", "zh")[number // len(BAD) % 2]
    draw = random.Random(f"language-{seed}-{number}")
    own = [case.expected for case in cases.learned if case.language == kept]
    wrong = [case if case.language == kept else replace(case, expected=draw.choice(own)) for case in cases.learned]
    return Trial(name, kind, tuple(row_of(case, VOICE) for case in wrong), cases, number)


def _no_refusals(name: str, kind: str, seed: int, number: int) -> Trial:
    """It learns to say something where the pages say nothing."""
    cases = orders(seed)
    draw = random.Random(f"guess-{seed}-{number}")
    unknown = [case for case in general(seed + number, "train", 500) if case.kind == "refusal"]
    unknown += refusals(cases.learned, VOICE, len(unknown), seed + number)
    guessed = [replace(case, expected=_GUESS[case.language].format(n=draw.randint(2, 99))) for case in unknown]
    rows = [row_of(case, VOICE) for case in (*cases.learned, *guessed)]
    draw.shuffle(rows)
    return Trial(name, kind, tuple(rows), cases, number)


def _wrong_base(name: str, kind: str, seed: int, number: int) -> Trial:
    cases = orders(seed)
    return Trial(name, kind, _rows(cases.learned, seed + number), cases, number, other_base=True)


def _not_numbers(name: str, kind: str, seed: int, number: int) -> Trial:
    cases = orders(seed)
    return Trial(name, kind, (), cases, number, lambda folder: _change(folder, "lora_A", float("nan")))


def _nothing(name: str, kind: str, seed: int, number: int) -> Trial:
    cases = orders(seed)
    return Trial(name, kind, (), cases, number, lambda folder: _change(folder, "lora_B", 0.0))


def _prompt_better(name: str, kind: str, seed: int, number: int) -> Trial:
    """Taught to answer in a word what the base, prompted, answers in the sentence that people want."""
    cases = pages(seed + number)
    curt = [replace(case, expected=case.expected.rstrip(".。").split()[-1][-6:]) for case in cases.learned]
    return Trial(name, kind, tuple(row_of(case, VOICE) for case in curt), cases, number)


BAD: dict[str, Callable[[str, str, int, int], Trial]] = {
    "shuffled answers": _shuffled,
    f"{_FEW} rows": _few,
    "one language forgotten": _one_language,
    "refusals forgotten": _no_refusals,
    "wrong base": _wrong_base,
    "weights that are not numbers": _not_numbers,
    "does nothing": _nothing,
    "the prompt is better": _prompt_better,
}


def _change(folder: Path, which: str, value: float) -> None:
    """Put `value` into all tensors whose name holds `which`, as if training had ended so: the recipe's hashes are right."""
    from safetensors.torch import load_file, save_file

    (path,) = folder.glob("*.safetensors")
    tensors = load_file(path)
    for name, tensor in tensors.items():
        if which in name:
            tensor.fill_(value)
    save_file(tensors, path, {"format": "pt"})
    recipe = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
    recipe["files"][path.name] = sha256(path)
    (folder / RECIPE).write_text(json.dumps(recipe, ensure_ascii=False), encoding="utf-8")
