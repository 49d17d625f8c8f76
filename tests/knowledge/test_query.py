from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.keyword import KeywordIndex
from knowledge.query import ANSWERED, NAMING, SYNONYM, Context, Query, Term, read
from knowledge.spelling import Speller
from knowledge.terms import terms
from knowledge.thesaurus import parse

TEXTS = [
    "Refunds are paid within five days",
    "Shipping takes two days",
    "Nova S5 battery lasts ten hours",
    "Nova S9 battery lasts eight hours",
    "退货需要运费",
    "保修期为两年",
]
INDEX = KeywordIndex(TEXTS, [("en", "Nova S5"), ("en", "Nova S9")])
SYNONYMS = parse({"en": ["refund money-back", "shipping delivery", "send-back -> shipping", "give-back -> battery"], "zh": ["退货 寄回"]})


FIELDS = frozenset(("batteri", "weight"))


def ask(text: str, context: Sequence[Context] = (), fields: frozenset[str] = FIELDS) -> Query:
    return read(text, INDEX, Speller(INDEX.frequency), SYNONYMS, context=context, fields=fields)


def by_text(query: Query) -> dict[str, Term]:
    return {term.text: term for term in query.terms}


def test_own_words_count_whole_and_stop_words_nothing():
    found = by_text(ask("When do I get my refund?"))
    assert found["refund"].forms == ((("refund",), 1.0),)
    assert not {"when", "do", "get", "my"} & found.keys()


def test_a_synonym_stands_for_a_word_that_no_document_has():
    query = ask("I want my money back")
    term = by_text(query)["money back"]
    assert term.forms == ((("refund",), SYNONYM),)
    assert term.weight == INDEX.idf("refund")
    assert query.unknown == 0
    assert ask("能寄回吗").coverage(frozenset(terms("退货需要运费"))) > 0


def test_of_what_a_phrase_hints_at_what_says_more_than_the_phrase_counts_most():
    hints = parse({"zh": ["保修多久 -> 保修 保修期"]})
    index = KeywordIndex(["保修期为两年", "申请保修需要多久", "运费"])
    (term,) = [term for term in read("保修多久", index, Speller(index.frequency), hints).terms if term.text == "保修多久"]
    assert {"".join(form): share for form, share in term.forms} == {"保修": SYNONYM, "保修期": 1.0}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("can I send back the phone", "send back"),
        ("can I send it back", "send back"),
        ("can I send my new phone back?", "send back"),
        ("give me my money back", "money back"),
        ("can I send it to you, and go back", None),
    ],
)
def test_a_phrase_is_known_with_what_it_is_done_to_in_its_middle(said: str, meant: str | None):
    assert meant is None or meant in by_text(ask(said))
    assert ("send back" in by_text(ask(said))) == (meant == "send back")


def test_what_no_document_says_is_unknown():
    assert ask("refund").unknown == 0
    assert ask("helicopter").unknown == 1
    assert 0 < ask("refund helicopter").unknown < 1
    assert ask("").unknown == 0


def test_slips_are_put_right():
    assert ask("refnud please").text == "refund please"


def test_a_named_model_is_a_term_and_a_piece():
    query = ask("nova s5 battery")
    assert "nova·s5" in by_text(query)
    assert "nova·s5" in query.pieces
    assert query.coverage(frozenset(terms(TEXTS[2]))) > query.coverage(frozenset(terms(TEXTS[3])))


def test_earlier_lines_count_less_and_only_what_documents_say():
    query = ask("how long does it take", (Context("the refund of my helicopter", 0.5),))
    found = by_text(query)
    assert found["refund"].weight == pytest.approx(0.5 * INDEX.idf("refund"))
    assert "helicopt" not in found
    assert "refund" in query.leaning
    assert "refund" not in query.text


def test_earlier_lines_name_what_the_question_does_not():
    context = (Context("tell me about the Nova S5", 0.5),)
    assert "nova·s5" in ask("how long does the battery last", context).pieces
    assert "nova·s5" not in ask("and the Nova S9?", context).pieces


def test_what_an_earlier_line_asked_has_been_answered():
    """`battery` was asked of the S5 and is not asked now; only the thing that was meant goes on."""
    context = (Context("battery of the Nova S5", 0.5),)
    found = by_text(ask("and the shipping", context))
    assert found["batteri"].weight == pytest.approx(0.5 * ANSWERED * INDEX.idf("batteri"))
    assert found["nova·s5"].weight == pytest.approx(0.5 * INDEX.idf("nova·s5"))
    assert by_text(ask("and the shipping", context, frozenset()))["batteri"].weight == pytest.approx(0.5 * INDEX.idf("batteri"))


def test_a_question_for_a_field_takes_only_the_name_from_before():
    found = by_text(ask("its battery", (Context("how many days until the Nova S5 is refunded", 0.5),)))
    assert found["nova·s5"].weight == pytest.approx(0.5 * INDEX.idf("nova·s5"))
    assert found["refund"].weight == pytest.approx(0.5 * ANSWERED * INDEX.idf("refund"))


def test_another_name_takes_only_what_was_asked_from_before():
    found = by_text(ask("and the Nova S9?", (Context("battery of the Nova S5", 0.5),)))
    assert found["batteri"].weight == pytest.approx(0.5 * INDEX.idf("batteri"))
    assert not {"nova·s5", "s5"} & found.keys()


def test_a_story_around_the_question_counts_whole_and_names_what_is_meant():
    story = Context("The battery of my Nova S5 died", 0.4, told=True)
    found = by_text(ask("what does the refund of its weight take", (story, Context("and the Nova S9?", 0.6))))
    assert found["batteri"].weight == pytest.approx(0.4 * INDEX.idf("batteri"))
    assert found["nova·s5"].weight == pytest.approx(0.4 * INDEX.idf("nova·s5"))
    assert "nova·s9" not in found


def test_a_common_word_of_another_name_does_not_take_the_place_of_the_thing_that_was_named():
    index = KeywordIndex([*TEXTS, "Volt charger: 65 W"], [("en", "Nova S5"), ("en", "Volt charger")])
    before = (Context("how much is the Nova S5", 0.6),)
    found = read("does it come with a charger", index, Speller(index.frequency), SYNONYMS, context=before, fields=FIELDS)
    assert "nova·s5" in found.pieces
    assert "charger" not in found.pieces
    alone = read("how much is a charger", index, Speller(index.frequency), SYNONYMS, fields=FIELDS)
    assert "charger" in alone.pieces


def test_a_line_that_hardly_counts_names_nothing():
    query = ask("how long does the battery last", (Context("tell me about the Nova S5", NAMING / 2),))
    assert "nova·s5" not in query.pieces
    assert query.leaning == query.text


def test_words_for_what_is_to_be_told_count_little_where_no_document_has_them():
    assert ask("refund policy").unknown < 0.2
    assert ask("refund helicopter").unknown > 0.5


def test_language_of_the_text_then_of_the_page_then_english():
    assert ask("退货").language == "zh"
    assert ask("123").language == "en"
    assert ask("123", (Context("退货", 0.5),)).language == "zh"
    assert read("123", INDEX, Speller(INDEX.frequency), SYNONYMS, language="zh").language == "zh"


@settings(deadline=None)
@given(
    st.one_of(
        st.text(), st.lists(st.sampled_from(["refund", "退货", "nova s5", "\0", "money back", "运费?", "\ud800", "E-07"])).map(" ".join)
    ),
    st.lists(
        st.builds(Context, st.sampled_from(["", "refund 退货", "battery of the Nova S5", "\0"]), st.floats(0, 1), st.booleans()), max_size=3
    ),
)
def test_any_text_can_be_read(text: str, context: list[Context]):
    query = ask(text, context)
    assert 0 <= query.unknown <= 1
    assert all(term.weight >= 0 for term in query.terms)
    assert query.coverage(frozenset()) == 0
    everything = frozenset(term for line in TEXTS for term in terms(line))
    assert 0 <= query.coverage(everything) <= 1 + 1e-9
