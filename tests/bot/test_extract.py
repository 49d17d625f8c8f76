"""The sentences of the passages, ranked; and how sure the best one is."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.base import Options
from bot.backends.extractive import ExtractiveBackend, said
from bot.extract import FEATURES, HEAD, Pick, confidence, features, head, rank
from bot.messages import Prompt
from knowledge.documents import Chunk, Gaps, Kind, Language, Passage, Unit
from knowledge.report import SubQuestion

GOOD = Unit("Products can be returned within 30 days.", 0.9, 0.2, 0.95, 0.8)
WEAK = Unit("The product must be unused.", 0.1, 0.2, 0.25, 0.1)
ASKS = Unit("Can products be returned?", 1.0, 0.2, 1.0, 0.9)


def passage(*units: Unit, id_: str = "c1", score: float = 0.8, kind: Kind = "text", named: bool = False, title: str = "Returns") -> Passage:
    texts = tuple(unit.text for unit in units)
    chunk = Chunk(id_, f"{id_}.md", title, (title,), " ".join(texts), texts, kind, "en", 0)
    return Passage(chunk, score, units, (("keyword", 0.5), ("chunk", 0.4), ("title", 0.1)), named)


def answer(question: str, *passages: Passage, threshold: float = 0.5, language: Language = "en", **options: Any) -> list[str]:
    prompt = Prompt((), question, passages, language)
    return list(ExtractiveBackend(threshold=threshold).stream(prompt, Options(**options)))


def test_every_sentence_has_every_feature_and_none_is_large():
    found = features("How many days?", [passage(GOOD, WEAK), passage(ASKS, id_="c2", kind="record")])
    assert [(p.chunk.id, number) for p, number, _ in found] == [("c1", 0), ("c1", 1), ("c2", 0)]
    for _, _, values in found:
        assert values.keys() == set(FEATURES)
        assert all(-1 <= value <= 1 for value in values.values())


def test_features_say_what_they_say():
    asked, plain = (features(question, [passage(GOOD, WEAK)]) for question in ("Within how many days?", "Can I?"))
    assert [(values["fits"], values["misfits"]) for *_, values in asked] == [(1, 0), (0, 1)]
    assert [(values["fits"], values["misfits"]) for *_, values in plain] == [(0, 0), (0, 0)]
    strangers = features(
        "Nova S5?", [passage(GOOD, kind="record", named=True), passage(WEAK, id_="c2", kind="record"), passage(WEAK, id_="c3")]
    )
    assert [(values["named"], values["stray"]) for *_, values in strangers] == [(1, 0), (0, 1), (0, 0)]


def test_the_same_goes_in_the_same_comes_out():
    passages = [passage(GOOD, WEAK), passage(WEAK, id_="c2")]
    assert features("q", passages) == features("q", passages)
    assert rank("q", passages) == rank("q", passages)


@pytest.mark.parametrize("language", ["en", "zh", "other"])
def test_the_best_supported_sentence_comes_first_and_questions_are_no_answers(language: Language):
    picks = rank("Within how many days can I return it?", [passage(WEAK, ASKS, GOOD)])
    assert [pick.unit for pick in picks] == [GOOD, WEAK]
    assert picks[0].score > picks[1].score


def test_a_better_sentence_makes_it_surer_and_nothing_is_no_confidence():
    sure, unsure = (
        confidence("within how many days", rank("q", [passage(unit, score=score)]), "en", Gaps())
        for unit, score in ((GOOD, 0.9), (WEAK, 0.1))
    )
    assert 0 <= unsure < sure <= 1
    assert confidence("q", [], "en", Gaps()) == 0
    assert head("q", rank("q", [passage(GOOD)]), Gaps(0.3)).keys() == set(HEAD)


SHARES = st.floats(0, 1)
UNITS = st.builds(Unit, st.text(max_size=30), SHARES, SHARES, SHARES, st.none() | st.floats(-1, 1))
PASSAGES = st.builds(
    lambda units, score, kind, named: passage(*units, score=score, kind=kind, named=named),
    st.lists(UNITS, max_size=4), SHARES, st.sampled_from(["text", "record", "qa"]), st.booleans(),
)  # fmt: skip


@given(st.text(max_size=40), st.lists(PASSAGES, max_size=4), st.sampled_from(["en", "zh", "other"]), SHARES)
def test_confidence_is_a_probability_whatever_is_found(question: str, passages: list[Passage], language: Language, unknown: float):
    picks = rank(question, passages)
    assert all(math.isfinite(pick.score) for pick in picks)
    assert [pick.score for pick in picks] == sorted((pick.score for pick in picks), reverse=True)
    assert 0 <= confidence(question, picks, language, Gaps(unknown, unknown, unknown)) <= 1


@given(st.text(max_size=40), st.lists(PASSAGES, max_size=4), st.sampled_from(["en", "zh"]), SHARES)
def test_whatever_is_found_the_reply_is_made_of_it(question: str, passages: list[Passage], language: Language, threshold: float):
    prompt = Prompt((), question, tuple(passages), language)
    reply = "".join(ExtractiveBackend(threshold=threshold).stream(prompt, Options()))
    held = " ".join(f"{p.chunk.title} {unit.text}" for p in passages for unit in p.units)
    assert {c for c in reply if c.isalnum()} <= {c for c in held if c.isalnum()}


# --- said


def test_fields_are_said_under_their_records_name_and_items_without_marks():
    record = passage(Unit("Price: $949", 0, 0, 0), Unit("Weight: 1 kg", 0, 0, 0), kind="record", title="Nova S5")
    item = passage(Unit("- Bring the receipt.", 0, 0, 0))
    found = [Pick(record, 0, 3, {}), Pick(record, 1, 3, {}), Pick(item, 0, 3, {})]
    assert said(found, "en") == ["Nova S5: Price: $949", "Weight: 1 kg", "Bring the receipt."]
    assert said(found[:1], "zh") == ["Nova S5：Price: $949"]


# --- the backend


def test_it_says_the_sentence_word_for_word_or_nothing():
    assert "".join(answer("Within how many days can products be returned?", passage(GOOD), threshold=0.0)) == GOOD.text
    assert answer("Within how many days can products be returned?", passage(GOOD), threshold=1.0) == []
    assert answer("anything", threshold=0.5) == []


def test_a_row_of_a_table_has_a_line_of_its_own_though_it_ends_like_a_sentence():
    row_ = Unit("Product: Earbuds; Returned: within 30 days.", 0.9, 0.2, 0.95, 0.8)
    said = "".join(answer("Within how many days can products be returned?", passage(row_, GOOD), threshold=0.0))
    assert said.splitlines() == [row_.text, GOOD.text]


def test_max_tokens_ends_it_between_sentences():
    twin = Unit("Products can be brought back within 30 days.", 0.9, 0.2, 0.95, 0.8)
    assert len(answer("Within how many days?", passage(GOOD, twin), threshold=0.0)) == 2
    assert len(answer("Within how many days?", passage(GOOD, twin), threshold=0.0, max_tokens=3)) == 1


def test_several_questions_are_answered_in_a_paragraph_each_and_what_is_unknown_is_said_once_others_are_known():
    known = SubQuestion("Within how many days can it be returned?", "Within how many days?", (passage(GOOD),))
    unknown = SubQuestion("And the moon?", "and the moon?", (passage(Unit("Nothing.", 0, 0, 0), id_="c2"),), Gaps(stranger=True))

    def said_of(*parts: SubQuestion) -> str:
        return "".join(ExtractiveBackend().stream(Prompt((), "", (), "en", parts=parts), Options()))

    assert said_of(known, unknown) == f'{GOOD.text}\n\nI couldn\'t find anything on "and the moon" in our help pages.'
    assert said_of(known, known) == GOOD.text
    assert said_of(unknown, unknown) == ""
