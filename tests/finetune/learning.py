"""Rows and tiny models that the training tests share."""

from bot.messages import Message
from finetune.config import TrainConfig, config
from finetune.rows import Row

GOODS = ("lamp", "desk", "chair", "shelf", "clock", "mug", "rug", "bed")


def rows(number: int = 24) -> list[Row]:
    """Short questions for prices, in both languages, two to a conversation."""
    made = []
    for place in range(number):
        goods, price = GOODS[place % len(GOODS)], 10 + place
        asked, said, language = (f"{goods}?", f"{price} EUR", "en") if place % 3 else (f"{goods}多少？", f"{price}元", "zh")
        made.append(Row(str(place), (Message("customer", asked),), said, language, f"c{place // 2}"))
    return made


def quick(base: object, method: str = "lora", **options: object) -> TrainConfig:
    """A run of a few steps."""
    return config(**{"base": str(base), "method": method, "steps": 6, "batch": 4, "accumulation": 1, "evaluations": 3, "r": 4, **options})
