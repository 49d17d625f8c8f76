from knowledge.embed import HashEmbedder
from knowledge.language import detect
from knowledge.probe import PAIRS, measure
from tests.knowledge.shelf import ConstantEmbedder, SureEmbedder


def test_one_that_knows_every_answer_is_trusted_whole():
    answers = {question: answer for pairs in PAIRS.values() for question, answer in pairs}
    assert measure(SureEmbedder(answers)) == {"en": 1.0, "zh": 1.0}


def test_one_that_tells_nothing_apart_is_not_trusted():
    assert measure(ConstantEmbedder()) == {"en": 0.0, "zh": 0.0}


def test_each_language_is_measured_by_itself():
    assert measure(SureEmbedder(dict(PAIRS["zh"]))) == {"en": measure(HashEmbedder())["en"], "zh": 1.0}


def test_the_questions_are_in_their_language_and_no_answer_serves_two():
    for language, pairs in PAIRS.items():
        assert len(pairs) >= 12
        assert {detect(text) for pair in pairs for text in pair} == {language}
        assert len({answer for _, answer in pairs}) == len({question for question, _ in pairs}) == len(pairs)
