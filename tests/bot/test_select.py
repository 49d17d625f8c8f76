"""Which of the ranked sentences are said."""

from dataclasses import replace

import pytest

from bot.extract import Pick
from bot.select import choose
from knowledge.documents import Chunk, Kind, Passage, Unit

GOOD = Unit("Products can be returned within 30 days.", 0.9, 0.2, 0.95, 0.8)
WEAK = Unit("The product must be unused.", 0.1, 0.2, 0.25, 0.1)


def passage(*units: Unit, id_: str = "c1", kind: Kind = "text", named: bool = False, title: str = "Returns") -> Passage:
    texts = tuple(unit.text for unit in units)
    return Passage(Chunk(id_, f"{id_}.md", title, (title,), " ".join(texts), texts, kind, "en", 0), 0.8, units, (), named)


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


def test_of_a_record_neither_its_name_nor_fields_that_say_nothing_of_the_question_are_said():
    own = passage(
        Unit("Name: Nova S5", 0, 0.8, 0.8),
        Unit("Price: $449", 0.2, 0.8, 1),
        Unit("Weight: 1 kg", 0, 0.8, 0.8),
        kind="record",
        title="Nova S5",
        named=True,
    )
    found = [Pick(own, 0, 9, {"named": 1.0}), Pick(own, 1, 8.5, {"named": 1.0, "rest": 1.0}), Pick(own, 2, 8.4, {"named": 1.0})]
    assert [pick.number for pick in choose(found)] == [1]
    assert [pick.number for pick in choose([found[0], found[2]])] == [2]  # nothing says more, so it may be what is asked for
    assert [pick.number for pick in choose(found[:1])] == [0]
    dated = replace(found[2], features={"named": 1.0, "fits": 1.0})
    assert [pick.number for pick in choose([*found[:2], dated])] == [1, 2]  # it has a figure of the kind that is asked for
