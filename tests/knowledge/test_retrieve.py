import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.documents import Passage
from knowledge.retrieve import FOREIGN, Searcher, name_of, with_cosines
from tests.knowledge.shelf import piece

SHOP = (
    piece("refund", "Refunds are paid within five days. Cards take longer.", "Refunds"),
    piece("shipping", "Shipping takes two days. It is free above 50.", "Shipping"),
    piece("s5", "Battery: ten hours\nWeight: 200 g\nPrice: 499", "Phones", "record", ("Nova S5",)),
    piece("s9", "Battery: eight hours\nWeight: 210 g\nPrice: 899", "Phones", "record", ("Nova S9",)),
    piece("tuihuo", "退货需要自付运费。签收后三十天内可以退货。", "退货", language="zh"),
    piece("baoxiu", "保修期为两年。电池保修一年。", "保修", language="zh"),
)
SEARCHER = Searcher(SHOP)


def ids(passages: list[Passage]) -> list[str]:
    return [passage.chunk.id for passage in passages]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("when is my refund paid", "refund"),
        ("is shipping free", "shipping"),
        ("how heavy is the nova s5", "s5"),
        ("Nova S9 price", "s9"),
        ("退货要运费吗", "tuihuo"),
        ("电池保修多久", "baoxiu"),
        ("refnuds paid", "refund"),
    ],
)
def test_the_answer_comes_first_by_words_alone(question: str, first: str):
    assert ids(SEARCHER.rank(SEARCHER.query(question), 3))[0] == first


@pytest.mark.parametrize(
    ("text", "topical"),
    [
        ("how much is the shipping", True),
        ("delivery?", True),  # by a synonym
        ("退货多少钱", True),
        ("what is the price of the shipping", True),
        ("what is the price", False),  # records have a field for it
        ("how heavy is it", False),
        ("how long does it take", False),
        ("cards", False),
        ("", False),
    ],
)
def test_a_topic_is_what_a_page_is_called_by(text: str, topical: bool):
    assert SEARCHER.topical(text) == topical


def test_units_say_which_sentence_answers():
    best = SEARCHER.rank(SEARCHER.query("are cards slower, do they take longer"), 1)[0]
    assert [unit.text for unit in best.units] == ["Refunds are paid within five days.", "Cards take longer."]
    assert best.units[1].own > best.units[0].own
    assert all(unit.context >= max(unit.own, unit.above) for unit in best.units)
    assert [unit.cosine for unit in best.units] == [None, None]


def test_a_named_record_is_told_apart_and_comes_whole():
    twice = (
        piece("s5a", "Battery: ten hours", "Phones", "record", ("Nova S5",)),
        piece("s5b", "Weight: 200 g", "Phones", "record", ("Nova S5",)),
    )
    searcher = Searcher((*SHOP[:2], SHOP[3], *twice))
    found = searcher.rank(searcher.query("Nova S5 battery"), 1)
    assert {passage.chunk.id for passage in found if passage.named} == {"s5a", "s5b"}
    assert "s9" not in {passage.chunk.id for passage in found if passage.named}


def test_the_vectors_bring_in_what_no_word_does_and_only_as_far_as_trusted():
    query = SEARCHER.query("zebra")
    assert SEARCHER.rank(query, 3) == []
    near = {"shipping": 0.9, "refund": 0.2}
    assert ids(SEARCHER.rank(query, 3, near, near, 1.0)) == ["shipping", "refund"]
    assert SEARCHER.rank(query, 3, near, near, 0.0) == []
    half, whole = (SEARCHER.rank(query, 1, near, near, trust)[0].score for trust in (0.5, 1.0))
    assert 0 < half < whole


def test_the_other_language_counts_less_and_is_left_out_where_the_asked_one_does_better():
    query = SEARCHER.query("zebra")
    (english,) = SEARCHER.rank(query, 1, {"refund": 0.9}, {"refund": 0.9}, 1.0)
    (chinese,) = SEARCHER.rank(query, 1, {"tuihuo": 0.9}, {"tuihuo": 0.9}, 1.0)
    assert chinese.score == pytest.approx(FOREIGN * english.score, rel=1e-5)
    near = {"tuihuo": 0.9, "refund": 0.9}
    assert ids(SEARCHER.rank(query, 2, near, near, 1.0)) == ["refund"]


def test_vectors_of_chunks_that_are_gone_are_passed_over():
    assert ids(SEARCHER.rank(SEARCHER.query("zebra"), 3, {"gone": 1.0}, {"gone": 1.0}, 1.0)) == []


def test_nothing_to_search():
    empty = Searcher(())
    assert empty.rank(empty.query("refund"), 3, {"x": 1.0}, {"x": 1.0}, 1.0) == []


def test_a_slip_becomes_a_word_of_the_chunks_or_their_titles():
    searcher = Searcher((piece("a", "It takes two days.", "Delivery times"),))
    assert searcher.query("delivrey").text == "delivery"


def test_what_a_chunk_is_about():
    assert name_of(SHOP[2]) == "Nova S5"
    assert name_of(SHOP[0]) == "Refunds"


def test_cosines_are_filled_in():
    passage = SEARCHER.rank(SEARCHER.query("refund"), 1)[0]
    assert [unit.cosine for unit in with_cosines(passage, [0.5, None]).units] == [0.5, None]
    with pytest.raises(ValueError, match="shorter"):
        with_cosines(passage, [0.5])


TEXT = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(["refund", "退货", "nova s5", "保修", "\0\x1b", "money back", "運費", "\ud800", "E-07", "٣", "a" * 500]), max_size=8
    ).map("  ".join),
)
COSINES = st.dictionaries(st.sampled_from(["refund", "s5", "tuihuo", "gone"]), st.floats(-1, 1), max_size=4)


@settings(deadline=None)
@given(TEXT, st.integers(1, 10), COSINES, COSINES, st.floats(0, 1))
def test_any_question_is_ranked(text: str, k: int, chunks: dict[str, float], sentences: dict[str, float], trust: float):
    found = SEARCHER.rank(SEARCHER.query(text), k, chunks, sentences, trust)
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert len(set(ids(found))) == len(found)
    assert sum(not passage.named for passage in found) <= k
    for passage in found:
        assert all(0 <= share <= 1 + 1e-6 for unit in passage.units for share in (unit.own, unit.above, unit.context))
        assert all(-1 <= share <= 1 for _, share in passage.legs)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(max_size=40), max_size=5), TEXT)
def test_any_chunks_can_be_searched(texts: list[str], question: str):
    searcher = Searcher([piece(str(number), text, text[:5]) for number, text in enumerate(texts)])
    assert len(searcher.rank(searcher.query(question), 3)) <= 3


@pytest.mark.parametrize("unit", ["refund ", "a", "退", "退货 refund ", "?", "1.2,", "\0", "Ab1 ", "\n"])
def test_a_question_of_a_hundred_thousand_characters(unit: str):
    assert len(SEARCHER.rank(SEARCHER.query(unit * (100_000 // len(unit))), 3)) <= 6


def test_a_question_of_a_megabyte():
    text = "when is my refund paid 退货要运费吗 " * 22_000
    assert ids(SEARCHER.rank(SEARCHER.query(text), 3))
