"""What a summary made by rules keeps, how long it gets, and when it is made."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.context import Budget, line_size
from bot.messages import Message
from bot.salient import weight
from bot.summarize import FULL, NEWEST, Summary, compact, completed, overdue, own_words, points, summarize
from tests.bot.windows import TOKENIZERS

BUDGET = Budget(2048, 512)


def count(text: str) -> int:
    return (len(text.encode()) + 3) // 4


def said(text: str) -> Message:
    return Message("customer", text)


def told(text: str) -> Message:
    return Message("agent", text)


KEPT_EN = (
    (said("My order number is AK-57381, by the way."), "AK-57381"),
    (said("You can write to anna.b@example.com any time."), "anna.b@example.com"),
    (said("Please ring +44 20 7946 3530."), "+44 20 7946 3530"),
    (said("I own a Pulse Watch 3 that I bought on 4 March."), "Pulse Watch 3 that I bought on 4 March"),
    (said("I paid $313.49 with a gift card."), "$313.49"),
    (told("We will refund $45.20 by 12 April."), "refund $45.20 by 12 April"),
    (told("As agreed, the delivery fee is waived."), "delivery fee is waived"),
    (said("I'd rather be contacted by letter."), "contacted by letter"),
    (said("The hinge is cracked."), "hinge is cracked"),
)
KEPT_ZH = (
    (said("对了，我的订单号是DK-48234。"), "订单号是DK-48234"),
    (said("邮箱是li.wei@example.com。"), "li.wei@example.com"),
    (said("我的手机是13892543342。"), "13892543342"),
    (said("我有一台Aero Mini，是4月2日买的。"), "Aero Mini，是4月2日买的"),
    (said("我用礼品卡付了6124元。"), "付了6124元"),
    (told("我们会在7月13日之前退款199元。"), "7月13日之前退款199元"),
    (told("已经同意免除运费。"), "同意免除运费"),
    (said("我更希望用短信联系。"), "短信联系"),
    (said("屏幕裂了。"), "屏幕裂了"),
)
TALK_EN = ("Is it sold in blue?", "It comes in silver and blue, which takes {} days.", "Thanks a lot!", "You're welcome.")
TALK_ZH = ("有蓝色的吗？", "有银色和蓝色，要等{}天。", "谢谢！", "不客气。")


def conversation(facts: tuple[tuple[Message, str], ...], talk: tuple[str, ...], exchanges: int) -> list[Message]:
    """Facts in the first half of much talk."""
    chance = random.Random(7)
    lines = [Message("customer" if n % 2 == 0 else "agent", talk[n % 4].format(chance.randint(2, 99))) for n in range(2 * exchanges)]
    for line, _ in facts:
        lines.insert(chance.randrange(0, exchanges), line)
    return lines


@pytest.mark.parametrize(("facts", "talk"), [(KEPT_EN, TALK_EN), (KEPT_ZH, TALK_ZH)], ids=["en", "zh"])
def test_nothing_that_counts_is_lost_over_many_folds(facts: tuple[tuple[Message, str], ...], talk: tuple[str, ...]):
    summary, held, folds = Summary(), (), 0
    for line in conversation(facts, talk, 300):
        before = summary
        summary, held = compact(summary, [*held, line], BUDGET, count)
        folds += summary != before
        assert count(summary.text) <= BUDGET.of("summary")
    assert folds > 20
    assert summary.upto == 2 * 300 + len(facts) - len(held)
    assert summary.tokens > 5 * count(summary.text)
    assert [fact for _, fact in facts if fact not in summary.text] == []


def test_it_is_in_sections_and_in_the_conversations_language():
    lines = [said("My order number is 58213."), told("We will refund $5 by Monday."), said("Does it float?"), told("I don't know, sorry.")]
    assert summarize("", lines, BUDGET, count).splitlines() == [
        "The customer said:", "- My order number is 58213.", "Promised or decided:", "- We will refund $5 by Monday.",
        "Still open:", "- Does it float?",
    ]  # fmt: skip
    lines = [said("我的订单号是58213。"), told("我们会在周一前退款5元。"), said("它能浮在水上吗？"), told("抱歉，我不知道。")]
    assert summarize("", lines, BUDGET, count).splitlines() == [
        "客户说：", "- 我的订单号是58213。", "已承诺或决定：", "- 我们会在周一前退款5元。", "尚未解决：", "- 它能浮在水上吗？",
    ]  # fmt: skip


def test_what_is_said_twice_stands_once():
    lines = [said("My order number is 58213."), said("MY ORDER NUMBER IS 58213."), said("Yes, my order number is 58213.")]
    assert [point.text for point in points("", lines)] == ["Yes, my order number is 58213."]


def test_many_of_a_kind_do_not_drive_out_the_one_of_another():
    wishes = [said(f"I need a table for {n} people on Friday at {n} pm, my name is Guest.") for n in range(2, 12)]
    kept = summarize("", [said("The hinge of mine is cracked."), *wishes], Budget(400, 100), count)
    assert "hinge of mine is cracked" in kept
    assert sum(line.text in kept for line in wishes) < len(wishes)


def test_small_talk_is_not_kept():
    assert summarize("", [said("Hello there!"), told("Hello, how can I help?"), said("Thank you"), told("Goodbye!")], BUDGET, count) == ""
    assert summarize("", [], BUDGET, count) == ""
    assert weight("Thanks a lot!", customer=True) == 0


def test_of_a_long_sentence_the_clauses_that_count_stay():
    long = "Well you know how it is with these things and the weather being what it was last night in town, " * 3
    assert summarize("", [said(f"{long}and my order number is 58213.")], BUDGET, count).endswith("and my order number is 58213.")


def test_a_models_summary_gets_what_it_left_out():
    lines = [said("My order number is 58213."), said("I paid $90.53 for it."), told("We will call you on 4 May.")]
    whole = completed("The order is 58213, for which the customer says: my order number is 58213.", "", lines, BUDGET, count)
    assert whole.splitlines()[1:] == [
        "The customer said:",
        "- I paid $90.53 for it.",
        "Promised or decided:",
        "- We will call you on 4 May.",
    ]
    endless = completed("\n".join(f"A sentence of no use at all, {'so ' * n}." for n in range(90)), "", lines, BUDGET, count)
    assert count(endless) <= BUDGET.of("summary")
    assert "$90.53" in endless


def test_what_a_model_makes_up_or_says_again_is_not_kept():
    lines = [said("My order number is 58213 and it costs 45 元."), told("We will call you on 4 May.")]
    made = (
        "Order 58213 is late. Order 58213 is late.\nOrder 58214 is late too. The customer paid $90.53.\nIt costs 45元. Order 58213 is late."
    )
    assert completed(made, "", lines, BUDGET, count).splitlines()[:2] == ["Order 58213 is late.", "It costs 45元."]
    assert completed("Order AB-1 is late.", "", lines, BUDGET, count) == summarize("", lines, BUDGET, count)
    assert completed("The dog is Rex, 7 years old.", "The dog is 7 years old.", [], BUDGET, count).startswith("The dog is Rex")


def test_a_sentence_must_say_it_as_it_was_said_and_alone():
    lines = [told("A technician will visit you on March 7."), said("I thank you.")]
    made = "The customer was told that a technician will visit them on March 7.\nThe customer will thank you."
    assert "- A technician will visit you on March 7." in completed(made, "", lines, BUDGET, count)
    assert "- A technician" not in completed("As promised, a technician will visit you on March 7.", "", lines, BUDGET, count)


def test_a_sentence_that_was_cut_off_is_not_kept():
    assert own_words("It is late.\nThe customer paid $90.5") == "It is late."
    assert own_words("It is late.\nThe dog is called Rex. The customer paid") == "It is late.\nThe dog is called Rex."
    assert own_words("- waits for 58213\n- paid $90.53") == "- waits for 58213\n- paid $90.53"
    assert completed("The customer paid $90.5.", "", [said("I paid $90.53.")], BUDGET, count).startswith("The customer said:")


def test_what_a_model_copies_of_the_old_summary_stays_under_its_one_heading():
    old = "The customer is in a hurry.\nThe customer said:\n- My order number is 58213."
    whole = completed(f"{old}\n- Please hurry.", old, [said("I paid $90.53 for it.")], BUDGET, count)
    assert whole.splitlines() == [
        "The customer is in a hurry.",
        "- Please hurry.",
        "The customer said:",
        "- My order number is 58213.",
        "- I paid $90.53 for it.",
    ]


def test_what_is_added_is_under_headings_in_the_language_of_the_conversation():
    whole = completed("The customer has an order.", "", [said("我的订单号是58213，请尽快发货。")], BUDGET, count)
    assert whole.splitlines()[:2] == ["The customer has an order.", "客户说："]


def test_a_models_summary_can_be_folded_by_rules():
    assert "The dog is called Rex" in summarize("The dog is called Rex. Order 58213 is late.", [said("I paid $90.53.")], BUDGET, count)


# --- when


@settings(max_examples=60)
@given(
    name=st.sampled_from(list(TOKENIZERS)),
    roles=st.lists(st.sampled_from(["customer", "bot", "agent"]), max_size=60),
    length=st.integers(0, 120),
)
def test_as_much_of_the_newest_as_fits_stays_from_a_customers_line_on(name: str, roles: list, length: int):
    counter = TOKENIZERS[name]
    history = [Message(role, "word " * (length // 5)) for role in roles]
    sizes, room = [line_size(line, counter) for line in history], BUDGET.of("history")
    older = overdue(history, BUDGET, counter)
    if sum(sizes) <= FULL * room:
        assert older == 0
        return
    assert older < len(history)
    kept = history[older:]
    if "customer" in roles:
        assert older == 0 or kept[0].role == "customer"
        last = len(roles) - 1 - roles[::-1].index("customer")
        assert older <= last  # the last exchange stays whatever its size
        assert sum(sizes[older:]) <= NEWEST * room or older in (0, last)


def test_nothing_is_overdue_while_the_history_is_short():
    assert overdue([said("Hello"), told("Hello")], BUDGET, count) == 0
    assert overdue([], BUDGET, count) == 0
