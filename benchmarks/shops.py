"""Made-up shops: a few pages and a catalogue each, with what their customers ask and where the answer stands. Same ones every time.

The pages and questions are those of `benchmarks/reading/*.jsonl`. A shop's catalogue is drawn from `catalogue_*.json`, which holds
for each kind of product its names, its fields with values and how customers ask after each, and facts that no record has: some products,
some fields and some single values are left out, so that a question after them has no answer here.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reading import ROOT, Page, flat, pages, write

_KEPT_OUT_PAGES = 26
_SHOPS, _PARTITIONS = 8, 2  # shops that the other pages are dealt to, and how often they are dealt
_PRODUCTS, _ASKED_FIELDS = 8, 5
_GONE_VALUES = 0.12  # share of a record's values that are missing
_NAMED = 0.6  # share of English questions that write the product's name with its capitals
_FOREIGN = 12  # questions of other shops


@dataclass(frozen=True, slots=True)
class Question:
    """answers: a sentence or value each, flat, any of them right; none where the shop does not tell. source: part of the file's name.

    product: whose record holds the answer, empty for pages.
    """

    text: str
    answers: tuple[str, ...]
    source: str
    product: str = ""


@dataclass(frozen=True, slots=True)
class Shop:
    """kept_out: of fitting, to see how what was fitted does on shops it does not know."""

    name: str
    language: str
    kept_out: bool
    pages: tuple[Page, ...]
    records: tuple[dict[str, str], ...]
    questions: tuple[Question, ...]

    def write(self, folder: Path) -> None:
        """Its pages and its catalogue as files."""
        folder.mkdir(parents=True, exist_ok=True)
        for page in self.pages:
            write(page, folder)
        (folder / "catalogue.json").write_text(json.dumps(self.records, ensure_ascii=False), "utf-8")


def shops(language: str) -> Iterator[Shop]:
    """The shops of a language: two that are kept out, and sixteen to learn from."""
    known = [page for page in pages() if page["language"] == language]
    kinds = json.loads((ROOT / f"catalogue_{language}.json").read_text("utf-8"))
    kept = {page["id"] for page in random.Random(3).sample(known, _KEPT_OUT_PAGES)}
    apart, rest = ([page for page in known if (page["id"] in kept) == inside] for inside in (True, False))
    deals = [(True, apart), (True, random.Random(5).sample(apart, _KEPT_OUT_PAGES // 2))]
    for part in range(1, _PARTITIONS + 1):
        order = random.Random(part).sample(rest, len(rest))
        deals += [(False, order[start::_SHOPS]) for start in range(_SHOPS)]
    sold = [*kinds[-2:], *(kinds[number % (len(kinds) - 2)] for number in range(_SHOPS * _PARTITIONS))]
    for number, ((out, own), kind) in enumerate(zip(deals, sold, strict=True)):
        chance = random.Random(100 + number)
        records, questions = _catalogue(kind, language, chance)
        questions = [*_of_pages(own), *questions]
        if not out:
            others = [page for page in rest if page["kind"] == "record" and page not in own]
            questions += [
                Question(chance.choice(page["questions"])["q"], (), "") for page in chance.sample(others, min(_FOREIGN, len(others)))
            ]
        yield Shop(f"{language}-{number:02}", language, out, tuple(own), tuple(records), tuple(questions))


def right(question: Question, source: str, above: Sequence[str], text: str) -> bool:
    """Whether a sentence under these headings of a document answers the question."""
    if not question.answers or question.source not in source:
        return False
    said = flat(text)
    if question.product:
        return question.product in above and any(said.endswith(answer) for answer in question.answers)
    return any(
        said == answer or (len(answer) > 8 and answer in said) or (len(said) > 8 and said in answer) or said.endswith(answer)
        for answer in question.answers
    )


def _of_pages(own: Sequence[Page]) -> list[Question]:
    return [
        Question(asked["q"], tuple(flat(page["sentences"][place]) for place in asked["a"]), page["id"])
        for page in own
        for asked in page["questions"]
    ]


def _catalogue(kind: dict[str, Any], language: str, chance: random.Random) -> tuple[list[dict[str, str]], list[Question]]:
    names = chance.sample(kind["names"], min(_PRODUCTS, len(kind["names"])))
    fields = chance.sample(kind["fields"], max(_PRODUCTS, len(kind["fields"]) - 3))
    title = "名称" if language == "zh" else "Name"
    records = [
        {title: name} | {field["field"]: chance.choice(field["values"]) for field in fields if chance.random() > _GONE_VALUES}
        for name in names
    ]
    questions = []
    for record in records:
        for field in chance.sample(fields, _ASKED_FIELDS):
            value = record.get(field["field"])
            questions.append(_asked(chance.choice(field["asks"]), record[title], language, chance, value))
    questions += [_asked(ask, chance.choice(names), language, chance) for ask in chance.sample(kind["missing"], _PRODUCTS)]
    for wanted, products in (
        (fields, [name for name in kind["names"] if name not in names]),
        ([field for field in kind["fields"] if field not in fields], names),
    ):
        for _ in range(5 if wanted and products else 0):
            questions.append(_asked(chance.choice(chance.choice(wanted)["asks"]), chance.choice(products), language, chance))
    return records, questions


def _asked(ask: str, name: str, language: str, chance: random.Random, value: str | None = None) -> Question:
    said = name.lower() if language == "en" and chance.random() > _NAMED else name
    text = ask.replace("{name}", said)
    if "{name}" not in ask:
        text = re.sub(r"[?？。. ]+$", "", text) + (f"，{name}" if language == "zh" else f" ({name})")
    return Question(text, (flat(value),) if value else (), "catalogue", name)
