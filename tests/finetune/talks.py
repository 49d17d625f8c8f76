"""Short conversations in both languages of an invented shop, whose agents have a fixed manner that a model can learn."""

import json
import random
from pathlib import Path

_TOPICS = {
    "en": (
        (("When does order {n} arrive?", "Where is my order {n} now?"), "Order {n} left us today and arrives within three days."),
        (("I want to send order {n} back.", "Can I return order {n}?"), "A return label for order {n} is in your account."),
        (("The item of order {n} is broken.", "Order {n} came damaged."), "We send a new item for order {n} free of charge."),
        (("I need an invoice for order {n}.", "Can I get the bill of order {n}?"), "The invoice of order {n} is in your mailbox."),
    ),
    "zh": (
        (("订单{n}什么时候到？", "我的订单{n}到哪里了？"), "订单{n}今天已发货，三天内送到。"),
        (("我想退订单{n}。", "订单{n}可以退货吗？"), "订单{n}的退货单在您的账户里。"),
        (("订单{n}的东西坏了。", "订单{n}收到时破损了。"), "订单{n}我们免费补发新品。"),
        (("订单{n}要开发票。", "能给订单{n}开票吗？"), "订单{n}的发票在您的邮箱里。"),
    ),
}
_THANKS = {"en": "Thank you, that helps.", "zh": "谢谢，明白了。"}


def write_talks(file: Path, number: int = 80, seed: int = 0) -> Path:
    """One conversation a line, each of a customer of its own, with two exchanges about one order."""
    draw = random.Random(seed)
    lines = []
    for talk, order in enumerate(draw.sample(range(10_000, 99_999), number)):
        language = ("en", "zh")[talk % 2]
        turns = []
        for asks, reply in draw.sample(_TOPICS[language], 2):
            turns += [{"role": "customer", "text": draw.choice(asks).format(n=order)}, {"role": "agent", "text": reply.format(n=order)}]
        turns.append({"role": "customer", "text": _THANKS[language]})
        at = f"2026-01-{1 + talk * 28 // number:02}T09:00:00Z"
        lines.append(json.dumps({"id": f"talk-{talk}", "customer": f"customer-{talk}", "at": at, "turns": turns}, ensure_ascii=False))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
