"""The sentences of the passages, ranked; and how sure the best one is."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.base import Options
from bot.backends.extractive import ExtractiveBackend, said
from bot.extract import FEATURES, HEAD, Pick, choose, confidence, features, head, rank
from bot.messages import Prompt
from knowledge.documents import Chunk, Gaps, Kind, Language, Passage, Unit

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


# --- choose and said


def picks(*scores: float) -> list[Pick]:
    return [Pick(passage(Unit(f"s{n}.", 0, 0, 0), id_=f"c{n}"), 0, score, {}) for n, score in enumerate(scores)]


def test_only_sentences_close_to_the_best_are_said():
    assert [pick.score for pick in choose(picks(9, 8.5, 7, 6), margin=2)] == [9, 8.5]
    assert len(choose(picks(9, 9, 9, 9, 9), most=3)) == 3
    assert choose([]) == []


def test_half_a_sentence_is_said_to_its_end():
    found = passage(Unit("未拆封的可以退货；", 1, 0, 1), Unit("已拆封的不能退。", 0, 0, 0), Unit("运费自理。", 0, 0, 0))
    ranked = [Pick(found, 0, 9, {}), Pick(found, 2, 1, {}), Pick(found, 1, 0, {})]
    assert [pick.number for pick in choose(ranked)] == [0, 1]


def test_of_a_table_of_codes_only_the_row_of_the_code_is_said():
    rows = passage(
        Unit("Code: E1; Meaning: wheel", 1, 0, 1), Unit("Code: E2; Meaning: brush", 0, 0, 0), Unit("Code: E3; Meaning: lid", 0, 0, 0)
    )
    ranked = [Pick(rows, 0, 9, {}), Pick(rows, 1, 8.5, {}), Pick(rows, 2, 8, {})]
    assert [pick.number for pick in choose(ranked, question="what does E1 mean")] == [0]
    assert [pick.number for pick in choose(ranked, question="what do the codes mean")] == [0, 1, 2]


def test_other_pages_must_come_closer_than_the_same_section():
    own, other = passage(GOOD, WEAK), passage(Unit("Elsewhere.", 0, 0, 0), id_="c2")
    other = replace(other, chunk=replace(other.chunk, source="other.md"))
    ranked = [Pick(own, 0, 9, {}), Pick(own, 1, 5, {}), Pick(other, 0, 6, {})]
    assert [(pick.passage.chunk.source == "other.md", pick.number) for pick in choose(ranked)] == [(False, 0), (False, 1)]


@pytest.mark.parametrize(("context", "said_"), [(0.85, ["Price: $699"]), (0.6, ["Price: $699", "A new screen costs $179."])])
def test_a_named_things_own_price_is_said_without_other_prices(context: float, said_: list[str]):
    own = passage(Unit("Price: $699", 0.3, 0.5, context), kind="record", title="Nova S5", named=True)
    other = passage(Unit("A new screen costs $179.", 0.6, 0.0, 0.85), id_="c2")
    found = [Pick(own, 0, 9, {"named": 1.0}), Pick(other, 0, 8.5, {"named": 0.0})]
    assert [pick.unit.text for pick in choose(found)] == said_


def test_sentences_of_one_passage_are_said_in_its_order():
    found = passage(WEAK, GOOD)
    assert [pick.number for pick in choose([Pick(found, 1, 2.0, {}), Pick(found, 0, 1.5, {})], margin=1)] == [0, 1]


def row(method: str, days: str, own: float = 0) -> Unit:
    return Unit(f"Method: {method}; Time: {days} days", own, 0, 0)


def test_of_a_table_no_row_of_which_is_singled_out_all_rows_are_said_and_in_order():
    early, late = passage(row("Card", "3"), row("PayPal", "2")), passage(row("Cash", "1"), row("Gift card", "9"), WEAK, id_="c2")
    late = replace(late, chunk=replace(late.chunk, source="c1.md", position=1))
    other = passage(row("Card", "5"), id_="c3")
    scored = [(late, 1, 9), (late, 0, 8), (late, 2, 8), (early, 1, 2), (early, 0, 1), (other, 0, 1)]
    found = [Pick(one, number, score, {}) for one, number, score in scored]
    assert [pick.unit.text[8:12] for pick in choose(found)] == ["Card", "PayP", "Cash", "Gift", WEAK.text[8:12]]
    alone = [found[0], found[2], *found[3:]]
    assert len(choose(alone)) == 4  # one row that says no more of the question than the others
    asked = replace(late, units=(late.units[0], row("Gift card", "9", 0.5), WEAK))
    assert [pick.number for pick in choose([Pick(asked, 1, 9, {}), *alone[1:]])] == [1, 2]  # one row is what was asked for
    aside = [Pick(late, 2, 9, {}), Pick(late, 1, 7, {}), *alone[2:]]
    assert [pick.number for pick in choose(aside)] == [1, 2]  # one row is a side note
    many = [Pick(passage(*(row(str(n), "1") for n in range(9))), n, 9 - n, {}) for n in range(9)]
    assert len(choose(many)) == 4  # of a large table, those that come close


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
