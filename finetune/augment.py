"""The same question in other words or with a slip of the finger: small changes by rule that keep its meaning, figures and codes."""

import random
import re
from collections.abc import Callable
from dataclasses import replace

from bot.messages import Message
from finetune.rows import Row

# Each pair may stand for the other.
_ENGLISH = (
    ("how do", "how can"), ("can I", "is it possible to"), ("can you", "could you"), ("I want to", "I would like to"),
    ("where is", "where's"), ("what is", "what's"), ("I am", "I'm"), ("I have", "I've"), ("do not", "don't"), ("does not", "doesn't"),
    ("cannot", "can't"), ("it is", "it's"), ("refund", "money back"), ("help me", "assist me"), ("tell me", "let me know"),
)  # fmt: skip
_CHINESE = (
    ("怎么", "如何"), ("多久", "多长时间"), ("可以", "能"), ("为什么", "为啥"), ("什么时候", "啥时候"), ("你们", "贵店"),
    ("想要", "想"), ("退款", "退钱"), ("没有", "没"), ("但是", "不过"), ("现在", "目前"), ("收到", "拿到"),
    ("付款", "付钱"), ("快递", "物流"),
)  # fmt: skip
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"(?<![\w@./-])[a-z]{4,}(?![\w@/-])")  # lower-case words of four letters and more: no names, codes or addresses

Change = Callable[[str, random.Random], str]


def augment(row: Row, chance: random.Random) -> Row:
    """The row with the customer's last message changed; the row itself where no rule applies."""
    last = row.messages[-1]
    if last.role != "customer":
        return row
    changed = reword(last.text, row.language, chance)
    return replace(row, messages=(*row.messages[:-1], Message("customer", changed)))


def reword(text: str, language: str, chance: random.Random) -> str:
    """`text` after one of the changes that fit its language, chosen by `chance`."""
    changes: list[Change] = (
        [_chinese, _polite_chinese, _no_end] if language == "zh" else [_english, _polite_english, _no_end, _slip, _lower]
    )
    chance.shuffle(changes)
    for change in changes:
        changed = change(text, chance)
        if changed != text:
            return changed
    return text


def _english(text: str, chance: random.Random) -> str:
    return _swap(text, _ENGLISH, chance, r"(?<![\w'])", r"(?![\w'])")


def _chinese(text: str, chance: random.Random) -> str:
    return _swap(text, _CHINESE, chance, "", "")


def _swap(text: str, pairs: tuple[tuple[str, str], ...], chance: random.Random, before: str, behind: str) -> str:
    ways = [*pairs, *((second, first) for first, second in pairs)]
    found = [way for way in ways if re.search(before + re.escape(way[0]) + behind, text, re.IGNORECASE)]
    if not found:
        return text
    old, new = chance.choice(found)
    return re.sub(before + re.escape(old) + behind, lambda match: _like(match[0], new), text, count=1, flags=re.IGNORECASE)


def _like(old: str, new: str) -> str:
    return new[0].upper() + new[1:] if old[0].isupper() else new


def _polite_english(text: str, chance: random.Random) -> str:  # noqa: ARG001
    if re.search(r"\bplease\b", text, re.IGNORECASE):
        return re.sub(r",? ?\bplease\b,? ?", " ", text, count=1, flags=re.IGNORECASE).strip()
    return f"{text.rstrip()} please"


def _polite_chinese(text: str, chance: random.Random) -> str:  # noqa: ARG001
    return text[2:].lstrip("，, ") if text.startswith("请问") and len(text) > 4 else f"请问{text}"


def _no_end(text: str, chance: random.Random) -> str:  # noqa: ARG001
    return text.rstrip().rstrip("?!.？！。") or text


def _lower(text: str, chance: random.Random) -> str:  # noqa: ARG001
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _slip(text: str, chance: random.Random) -> str:
    """One typing error in one word: a letter left out, doubled, exchanged with the next, or with its neighbour on the keyboard."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = chance.choice(words)
    place = word.start() + chance.randrange(1, len(word[0]) - 1)
    letter = text[place]
    slips = ("", letter * 2, _beside(letter, chance))
    slipped = chance.choice((*(slip + text[place + 1] for slip in slips), text[place + 1] + letter))
    return text[:place] + slipped + text[place + 2 :]


def _beside(letter: str, chance: random.Random) -> str:
    """One of the letters next to it on the keyboard."""
    row = next(row for row in _KEYBOARD if letter in row)
    place = row.index(letter)
    return chance.choice(row[max(0, place - 1) : place] + row[place + 1 : place + 2])
