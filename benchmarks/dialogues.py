"""Writes long dialogues with planted facts, to measure what a window keeps: of our own making, or others' joined end to end.

    python benchmarks/dialogues.py long.jsonl                               # 32 of our own, of 500 turns, in both languages
    python benchmarks/dialogues.py joined.jsonl --join dialogues.jsonl.gz   # rows {id, intent?, turns: [{role, text}]}, joined by intent

Each row is {id, turns: [{role, text}], facts: [text]}. The same seed writes the same rows. Facts are planted in the first two thirds, so
that they have long left the window at the end.
"""

import argparse
import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Turn = dict[str, str]
Row = dict[str, Any]

PRODUCTS = ("Nova S5", "Lumen 27", "Aero Mini", "Orbit Pro", "Pulse Watch 3", "Terra Desk", "Vela Lamp", "Kite 14")
# (who says it, the sentence, the part of it that has to be kept)
PLANTED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "en": (
        ("customer", "My order number is {code}, by the way.", "order number is {code}"),
        ("customer", "I paid {amount} for it with a gift card.", "paid {amount}"),
        ("customer", "You can write to me at {mail} if anything changes.", "{mail}"),
        ("customer", "Please call {phone} in the afternoon only.", "{phone}"),
        ("customer", "I own a {product} that I bought on {date}.", "{product} that I bought on {date}"),
        ("customer", "I'd rather be contacted by letter than by phone.", "contacted by letter"),
        ("customer", "I am allergic to nickel, so a steel strap won't do.", "allergic to nickel"),
        ("customer", "The hinge of my {product} is cracked.", "{product} is cracked"),
        ("customer", "We moved, the new address is {number} Harbour Lane.", "{number} Harbour Lane"),
        ("agent", "We will refund {amount} by {date}.", "refund {amount} by {date}"),
        ("agent", "I have opened case {code} for you.", "case {code}"),
        ("agent", "A technician will visit you on {date}.", "visit you on {date}"),
        ("agent", "As agreed, your delivery fee of {amount} is waived.", "delivery fee of {amount} is waived"),
    ),
    "zh": (
        ("customer", "对了，我的订单号是{code}。", "订单号是{code}"),
        ("customer", "我用礼品卡付了{yuan}。", "付了{yuan}"),
        ("customer", "有变化可以发邮件到{mail}。", "{mail}"),
        ("customer", "请只在下午打{mobile}联系我。", "{mobile}"),
        ("customer", "我有一台{product}，是{day}买的。", "{product}，是{day}买的"),
        ("customer", "我更希望用短信联系，不要打电话。", "用短信联系"),
        ("customer", "我对镍过敏，不能戴钢表带。", "对镍过敏"),
        ("customer", "我的{product}铰链裂了。", "{product}铰链裂了"),
        ("customer", "我们搬家了，新地址是港湾路{number}号。", "港湾路{number}号"),
        ("agent", "我们会在{day}之前退款{yuan}。", "{day}之前退款{yuan}"),
        ("agent", "已为您登记工单{code}。", "工单{code}"),
        ("agent", "工程师将于{day}上门。", "{day}上门"),
        ("agent", "已经同意免除您的{yuan}运费。", "{yuan}运费"),
    ),
}
# Talk around them, with figures of its own.
TALK: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("How long does the battery of the {product} last?", "About {small} hours of normal use, less with the screen at full brightness."),
        ("Is it sold in blue?", "It comes in black, silver and blue. Blue takes {small} more days to arrive."),
        ("Do you have a shop in the city centre?", "Yes, ours is open from 9:00 to 18:00 on weekdays and until 14:00 on Saturdays."),
        ("What does express delivery cost?", "Express delivery costs ${small}.90 and takes one working day within the country."),
        ("Can I pay in instalments?", "You can, in {small} monthly payments without interest, for anything above $200."),
        ("How do I reset it?", "Hold the power button for {small} seconds until the light blinks twice, then let go."),
        ("Is there a student discount?", "Students get {small} percent off with a valid card, except on reduced products."),
        ("Does the charger come with it?", "A cable is in the box. The charger is sold separately, as most have one at home."),
        ("Okay, thanks. Let me think about that for a moment.", "Of course, take your time. I am here if you need anything else."),
        ("And does it work with older phones?", "It works with every phone that has Bluetooth 4.2 or newer, whatever its maker."),
    ),
    "zh": (
        ("{product}的电池能用多久？", "正常使用大约{small}小时，屏幕调到最亮会短一些。"),
        ("有蓝色的吗？", "有黑色、银色和蓝色，蓝色要多等{small}天。"),
        ("市中心有门店吗？", "有的，工作日9:00到18:00营业，周六到14:00。"),
        ("加急配送多少钱？", "加急配送{small}元，国内一个工作日送达。"),
        ("可以分期付款吗？", "可以，200元以上的商品支持{small}期免息。"),
        ("怎么重置？", "长按电源键{small}秒，等指示灯闪两下后松手，机器会自动重启。"),
        ("学生有优惠吗？", "凭有效学生证享受九折，已经降价的商品除外。"),
        ("充电器是附带的吗？", "盒子里有数据线，充电器需要另外购买，因为大多数客户家里已经有了。"),
        ("好的，谢谢，我先考虑一下。", "没问题，您慢慢考虑，有需要随时告诉我。"),
        ("老手机能用吗？", "只要手机支持蓝牙4.2或更新版本，不限品牌都能用。"),
    ),
}  # fmt: skip
_MONTHS = ("January", "March", "April", "June", "August", "October", "November")


def ours(number: int, language: str, seed: int, exchanges: int = 250) -> Row:
    """One dialogue of our own: `exchanges` questions and replies, with a dozen facts."""
    chance = random.Random(f"{seed}-{language}-{number}")
    turns: list[Turn] = []
    for _ in range(exchanges):
        question, reply = (text.format(**_values(chance)) for text in chance.choice(TALK[language]))
        turns += [{"role": "customer", "text": question}, {"role": "agent", "text": reply}]
    return planted({"id": f"ours-{language}-{number}", "turns": turns}, language, chance)


def joined(rows: Sequence[Row], seed: int, characters: int) -> Iterator[Row]:
    """Dialogues of one intent after the other, until each is `characters` long."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row.get("intent") or ""), []).append(row)
    for intent, group in groups.items():
        turns: list[Turn] = []
        number = 0
        for row in group:
            turns += [{"role": line["role"], "text": line["text"]} for line in row["turns"] if line["role"] in ("customer", "agent", "bot")]
            if sum(len(line["text"]) for line in turns) >= characters:
                language = "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in turns[0]["text"]) else "en"
                yield planted({"id": f"{intent}-{number}", "turns": turns}, language, random.Random(f"{seed}-{intent}-{number}"))
                turns, number = [], number + 1


def planted(row: Row, language: str, chance: random.Random) -> Row:
    """The row with every kind of fact said once somewhere in its first two thirds, and the list of them."""
    turns, facts = list(row["turns"]), []
    for role, sentence, fact in chance.sample(PLANTED[language], len(PLANTED[language])):
        values = _values(chance)
        starts = [place for place, line in enumerate(turns) if line["role"] == "customer" and place < len(turns) * 2 // 3]
        place = chance.choice(starts)
        if role == "customer":
            turns[place] = {"role": role, "text": _joined(turns[place]["text"], sentence.format(**values), language)}
        else:
            turns.insert(place + 1, {"role": role, "text": sentence.format(**values)})
        facts.append(fact.format(**values))
    return {**row, "turns": turns, "facts": facts}


def _joined(text: str, sentence: str, language: str) -> str:
    end = "" if text.rstrip().endswith((".", "!", "?", "。", "！", "？")) else "。" if language == "zh" else "."
    return f"{text.rstrip()}{end}{'' if language == 'zh' else ' '}{sentence}"


def _values(chance: random.Random) -> dict[str, object]:
    month, day = chance.randint(1, 12), chance.randint(1, 28)
    return {
        "code": f"{chance.choice('ABCDEFGH')}{chance.choice('KLMN')}-{chance.randint(10_000, 99_999)}",
        "amount": f"${chance.randint(20, 900)}.{chance.randint(10, 99)}",
        "yuan": f"{chance.randint(20, 9000)}元",
        "mail": f"{chance.choice(('anna', 'li.wei', 'm.silva', 'chen'))}{chance.randint(1, 99)}@example.com",
        "phone": f"+44 20 7946 {chance.randint(1000, 9999)}",
        "mobile": f"138{chance.randint(10_000_000, 99_999_999)}",
        "product": chance.choice(PRODUCTS),
        "date": f"{chance.choice(_MONTHS)} {day}",
        "day": f"{month}月{day}日",
        "number": chance.randint(2, 400),
        "small": chance.randint(2, 48),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--join", type=Path, nargs="*", default=[], help="rows {id, intent?, turns}, .jsonl or .jsonl.gz")
    parser.add_argument("--characters", type=int, default=44_000, help="the least length of a joined dialogue")
    parser.add_argument("--most", type=int, default=40, help="at most this many joined dialogues")
    parser.add_argument("--each", type=int, default=16, help="dialogues of our own, a language")
    parser.add_argument("--exchanges", type=int, default=250, help="questions and replies of each; fewer where a slow model summarizes")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rows: list[Row] = []
    for path in given.join:
        with (gzip.open if path.name.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
            rows += [json.loads(line) for line in file if line.strip()]
    if rows:
        written = list(joined(rows, given.seed, given.characters))[: given.most]
    else:
        written = [ours(number, language, given.seed, given.exchanges) for language in ("en", "zh") for number in range(given.each)]
    given.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in written), encoding="utf-8")
    print(f"{len(written)} dialogues in {given.out}")


if __name__ == "__main__":
    main()
