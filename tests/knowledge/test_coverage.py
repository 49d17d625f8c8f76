import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.coverage import SentenceTerms
from knowledge.documents import Chunk
from knowledge.retrieve import Searcher
from tests.knowledge.shelf import piece

WORDS = st.sampled_from(
    ["refund", "refunds", "money", "cash", "paid", "battery", "nova", "s5", "退货", "运费", "保修", "free", "delivery", "days"]
)
SENTENCES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
CHUNKS = st.lists(st.lists(SENTENCES, min_size=1, max_size=4), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None)
@given(CHUNKS, SENTENCES)
def test_it_is_the_coverage_of_each_chunks_best_sentence(texts: list[list[str]], question: str):
    chunks = [piece(f"c{number}", "\n".join(lines), kind="record") for number, lines in enumerate(texts)]
    searcher = Searcher(chunks)
    query = searcher.query(question)
    best = SentenceTerms(chunks).best(query)
    for number in range(len(chunks)):
        assert best[number] == pytest.approx(max(query.coverage(held) for held in searcher.held(number)[1]), abs=1e-12)


def test_a_chunk_without_sentences_says_nothing():
    chunks = [
        Chunk("a", "a.md", "", (), "", (), "text", "en", 0),
        piece("b", "Refunds take days."),
        Chunk("c", "c", "", (), "", (), "text", "en", 0),
    ]
    found = SentenceTerms(chunks).best(Searcher(chunks).query("refunds"))
    assert (found[0], found[1] > 0, found[2]) == (0, True, 0)
    assert SentenceTerms(chunks[:1]).best(Searcher(chunks).query("refunds")).tolist() == [0]
