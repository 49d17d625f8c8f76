import pytest

from bot.metrics import abstention, contains, exact_match, f1, figures, unsupported, unsupported_figures


def test_squad_rules():
    assert exact_match("The Eiffel Tower!", ["eiffel tower"]) == 1
    assert exact_match("Eiffel", ["eiffel tower", "tower"]) == 0
    # "in paris france" / "paris": one common word of 3 and 1
    assert f1("in Paris, France", ["Paris"]) == pytest.approx(0.5)
    assert f1("in Paris, France", ["Paris", "paris france"]) == pytest.approx(0.8)
    assert f1("Rome", ["Paris"]) == 0
    assert f1("a", ["the"]) == 1  # both are nothing but articles
    assert f1("anything", []) == 0


def test_squad_contains_whole_words():
    assert contains("It opens in 1998, he said.", ["1998"]) == 1
    assert contains("It opens in 19980.", ["1998"]) == 0
    assert contains("anything", ["the"]) == 0


def test_cmrc_rules():
    assert exact_match("北京。", ["北京"]) == 1
    # the longest common run is 3 of 5 and 3: 2 * 3 / 8
    assert f1("在北京市举", ["北京市"]) == pytest.approx(0.75)
    # the same characters in another order share a run of one only
    assert f1("京北", ["北京"]) == pytest.approx(0.5)
    assert contains("会议在北京市举行。", ["北京市"]) == 1
    assert contains("会议在南京市举行。", ["北京市"]) == 0


def test_chinese_with_latin_words_and_full_width():
    assert exact_match("ｉＰｈｏｎｅ 15 手机", ["iphone15手机"]) == 0  # words stay words
    assert f1("iPhone 15 手机", ["iphone 15手机"]) == 1


def test_abstention_by_hand():
    found = abstention([True, True, False, False], [True, False, True, False], [0.9, 0.5, 0.5, 0.1])
    # pairs (without, with): .9>.5 .9>.1 .5=.5 .5>.1 -> 3.5 of 4
    assert found == {"precision": 0.5, "recall": 0.5, "auroc": 0.875}


def test_abstention_with_nothing_to_divide_by():
    assert abstention([False], [False], [0.0]) == {"precision": None, "recall": None, "auroc": None}
    assert abstention([False], [True], [0.0]) == {"precision": None, "recall": 0.0, "auroc": None}


EVIDENCE = ["Most products can be returned within 30 days of delivery. Members have 45 days.", "退货期限为签收后30天。"]


def test_sentences_are_supported_word_for_word_or_by_their_words():
    assert unsupported("Members have 45 days. You can fly to the moon.", EVIDENCE) == ["You can fly to the moon."]
    assert unsupported("Products can be returned within 30 days of delivery.", EVIDENCE) == []
    assert unsupported("退货期限为签收后30天。我们明天送您一台电视机。", EVIDENCE) == ["我们明天送您一台电视机。"]
    assert unsupported("", EVIDENCE) == []
    assert unsupported("Something.", []) == ["Something."]


def test_a_changed_figure_is_not_supported():
    assert unsupported("Most products can be returned within 60 days of delivery.", EVIDENCE) != []
    assert unsupported_figures("You have 60 days, members 45.", EVIDENCE) == {"60"}
    assert unsupported_figures("You asked for 60 days.", [*EVIDENCE, "May I have 60 days?"]) == set()


def test_figures_in_one_spelling():
    assert figures("1,000.50 and ５ and 3.10 and 2024-05-01") == {"1000.5", "5", "3.1", "2024", "1"}
    assert figures("version 1.2.3") == {"1.2.3"}
