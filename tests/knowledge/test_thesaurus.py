from knowledge.terms import stem
from knowledge.thesaurus import parse, thesaurus


def test_groups_are_stems_and_phrases():
    found = parse({"en": ["Refunds money-back reimbursed"], "zh": ["退款 退钱"]})
    assert found.alternatives("refund") == {"money back", "reimburs"}
    assert found.alternatives("money back") == {"refund", "reimburs"}
    assert found.alternatives("退款") == {"退钱"}
    assert found.alternatives("nothing") == frozenset()
    assert found.phrases == ("money back", "退款", "退钱")


def test_a_word_of_two_lines_has_the_alternatives_of_both_but_these_not_each_other():
    found = parse({"en": ["wet water", "rain water"]})
    assert found.alternatives("water") == {"wet", "rain"}
    assert found.alternatives("wet") == {"water"}


def test_a_hint_goes_one_way():
    found = parse({"en": ["how-heavy lift -> weight net-weight", "weight mass"], "zh": ["沉不沉 -> 重量"]})
    assert found.hints == {"how heavy": {"weight", "net weight"}, "lift": {"weight", "net weight"}, "沉不沉": {"重量"}}
    assert found.alternatives("weight") == {"mass"}
    assert found.alternatives("lift") == frozenset()
    assert found.phrases == ("how heavy", "沉不沉")


def test_longest_phrases_come_first():
    lengths = [len(phrase) for phrase in thesaurus().phrases]
    assert lengths == sorted(lengths, reverse=True)


def test_the_products_own_serves_both_languages():
    own = thesaurus()
    assert len(own.groups) > 300
    assert "deliveri" in own.alternatives(stem("shipping"))
    assert "退货" in own.alternatives("退回")
    assert all(term not in others for term, others in own.groups.items())
    assert all(term in own.groups[other] for term, others in own.groups.items() for other in others)
