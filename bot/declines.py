"""Whether a model's own reply says that it does not know, so that it counts as no answer.

The system prompt asks for such a reply where the passages hold no answer. Models put it in their own words, so close variants count too;
a reply that says something beside it is an answer.
"""

import re

from bot.prompts import texts
from knowledge.chunk import sentences
from knowledge.documents import Language
from knowledge.language import normalise

_LANGUAGES: tuple[Language, ...] = ("en", "zh")
_NOT_EN = r"(?:(?:do|does|could) ?(?:n't|not)|can ?not|can't|(?:was|am)(?:n't| not) able to|(?:am )?unable to)"
_DECLINES = re.compile(
    rf"\bi (?:really |simply |currently )?{_NOT_EN} (?:know|have (?:any |enough |that |this |the |specific )*(?:information|details|answer)"
    r"|find|see|locate|answer|say|tell|confirm|help (?:you )?with (?:that|this))"
    r"|\bi(?:'m| am) (?:not (?:sure|certain)|unable to|not able to)\b|\bi have no (?:information|details|answer)"
    r"|\b(?:passages?|documents?|help pages|information|text|context|material)\b[^.]{0,40}"
    rf"\b{_NOT_EN} (?:contain|mention|say|state|provide|include|specify|cover|hold|answer|give|tell|have)"
    r"|\bthere is no (?:information|mention|answer)|\bno (?:relevant )?information (?:is |was )?(?:available|found|about|on)\b"
    r"|(?:我|暂时|这个问题我)?(?:并)?(?:不知道|不清楚|不太清楚|不确定|不了解)(?:答案|这|该|您|$|[，,。])"
    r"|(?:没有|没能|未能?|找不到|查不到)(?:在.{0,12}中)?(?:找到|查到|提到|提及|说明|包含|涉及|提供|记载)?.{0,8}(?:相关|有关|这方面|该|此|答案|信息|内容|资料)"
    r"|(?:资料|文档|文件|信息|材料)(?:中|里|内)?.{0,6}(?:没有|未|并未|不包含|没)(?:提到|提及|说明|包含|涉及|提供|给出|记载|写)?"
    r"|无法(?:回答|确定|提供|确认|解答|告知)",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"^(?:(?:i'm |i am )?(?:very |so )?sorry|apologies|(?:很|非常)?抱歉|对不起|不好意思)[\s.,!，。！]*$"
    r"|\b(?:would you like|do you want|shall i|should i|can i|let me|i can|i could|i'd be happy|i will|please|feel free|if you)\b"
    r".*\b(?:person|human|agent|colleague|representative|team|staff|support|someone|contact|reach|connect|transfer|help|else)\b"
    r"|人工|客服|转接|同事|联系我们|其他.{0,6}(?:帮|问)",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:person|human|agent|colleague|representative|someone|staff|team)\b|人工|真人|客服|转接", re.IGNORECASE)
_PARTS = re.compile(r"[,;，；]\s*(?:but|however|though|但是?|不过|可是)[,，]?\s*", re.IGNORECASE)


def declines(reply: str) -> bool:
    """Whether the reply is nothing but a "don't know", with or without an apology and the offer of a person."""
    said = normalise(reply).replace("’", "'").strip()
    if any(said == normalise(texts(language).reply("dont_know")) for language in _LANGUAGES):
        return True
    parts = [part for sentence in sentences(said) for part in _PARTS.split(sentence) if part.strip()]
    rest = [part for part in parts if not _COURTESY.search(part) or _DECLINES.search(part)]
    return bool(rest) and all(_DECLINES.search(part) for part in rest)


def offers_person(reply: str) -> bool:
    """Whether the reply declines and offers a person, so that a yes to it is a wish for one."""
    return declines(reply) and bool(_PERSON.search(reply))
