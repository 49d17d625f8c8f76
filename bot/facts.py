"""What a customer says of themselves, read by rules in English and Chinese: orders, products they own, preferences, open problems."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.redact import redact
from bot.salient import asks
from knowledge.chunk import sentences
from knowledge.documents import Language
from knowledge.language import detect, normalise

Kind = Literal["order", "product", "preference", "problem"]
KINDS: tuple[Kind, ...] = ("order", "product", "preference", "problem")
KEPT: dict[Kind, timedelta] = {
    "order": timedelta(days=365),
    "product": timedelta(days=730),
    "preference": timedelta(days=730),
    "problem": timedelta(days=60),
}
"""How long a fact holds after it was last said."""

_CODE = r"#?((?=[A-Za-z0-9-]*\d)[A-Za-z]{0,6}-?\d{3,}(?:-?[A-Za-z0-9]+){0,4})"
_ORDER = re.compile(rf"(?:\borders?\b|订单|单号)[^\d\n]{{0,24}}?(?<![A-Za-z0-9-]){_CODE}(?![\w-])", re.IGNORECASE | re.ASCII)
_ANY_CODE = re.compile(rf"(?<![\w@.-]){_CODE}(?![\w@-])", re.ASCII)
_CORRECTS = re.compile(
    r"^\s*(?:(?:oh|oops|ah),? )?(?:no|nope|sorry|wait|correction|actually|i meant|i mean|wrong)\b"
    r"|\b(?:i meant|i mean|correct (?:one|number)|typo|it should be|not)\b"
    r"|^\s*(?:不对|不是|错了|抱歉|等等)|说错|写错|打错|更正|应该是|应为|而不是|才对",
    re.IGNORECASE,
)
_NOT_THIS = re.compile(rf"(?:\bnot|\binstead of|不是|而不是|并非)\s*(?:订单)?(?:号)?\s*{_CODE}(?![\w-])", re.IGNORECASE | re.ASCII)
_WORD = r"(?:[A-Z][A-Za-z0-9]*|\d+[A-Za-z]*)"
_NAME = rf"([A-Z][A-Za-z0-9]*(?:[ -]{_WORD})*)"
_OWNS = re.compile(
    r"\b(?:[Ii]|[Ww]e)(?: have|'ve)?(?: just| also| already)? (?:own|have|bought|got|ordered|purchased|use) (?:an?|the|my|your|one|two) "
    rf"(?:new |old )?{_NAME}|\b[Mm]y (?:new |old )?{_NAME}"
    r"|(?:我|我们|咱)(?:家)?(?:有|买了?|用的?是?|的|刚买了?|入手了?)(?:一|两)?(?:台|个|部|块|款|只|盏|张)?(?:你们的|您家的|新)?\s?"
    rf"({_NAME[1:-1]}|产品\s?[A-Z])"
)
_GONE = re.compile(
    r"\b(?:sold|returned|gave away|no longer (?:own|have)|don't (?:own|have)|sent back)\b"
    r"|卖(?:掉|了)|退(?:掉|货)了|送人了|没有了|不再(?:用|有)",
    re.IGNORECASE,
)
_PREFERS = re.compile(
    r"\b(?:i|we) (?:(?:would|'d) )?(?:strongly |really )?(?:prefer|rather)\b|\b(?:i'd|we'd) (?:rather|prefer)\b"
    r"|\b(?:i am|i'm|we are|we're) (?:allergic|vegetarian|vegan|deaf|blind)\b|\bi (?:only|always|never) \w+"
    r"|\bplease (?:always|never|only)\b|\bmy (?:favou?rite|preferred)\b"
    r"|(?:我|我们)(?:比较|更|只|从不|总是|一直|一般都?)?(?:喜欢|希望|偏好|倾向|习惯)|对.{1,8}过敏"
    r"|请(?:只|总是|一律|务必|不要|别)|我吃素|我(?:只|从不|总是)",
    re.IGNORECASE,
)
_TOPICS = {
    "contact": re.compile(r"\b(?:e-?mail|phone|call|letter|text|sms|contact|post)\w*|短信|电话|邮件|邮箱|微信|联系|来电", re.IGNORECASE),
    "delivery": re.compile(r"\b(?:deliver|pick ?up|courier|ship)\w*|配送|送货|快递|自提", re.IGNORECASE),
    "payment": re.compile(r"\b(?:pay|card|invoice|paypal|cash)\w*|付款|支付|发票|信用卡|支付宝", re.IGNORECASE),
}
_BROKEN = re.compile(
    r"\b(?:broke|crack|leak|damag|defect|fault|missing|scratch|stuck|flicker|overheat)\w*|\b(?:late|delayed|lost)\b"
    r"|\b(?:doesn't|does not|won't|isn't|is not|hasn't|has not|never) (?:\w+ )?(?:work|turn|start|charg|arriv|connect)\w*"
    r"|坏了|故障|裂了|裂开|漏水|破损|损坏|划痕|丢了|少了|没(?:有)?收到|还没到|未收到|无法|不能用|不亮|开不了机|充不进|连不上|报错",
    re.IGNORECASE,
)
_MINE = re.compile(r"\b(?:my|our|mine|i|we|it|the)\b|我|咱|它", re.IGNORECASE)
_SOLVED = re.compile(
    r"\b(?:works? (?:now|again|fine)|is (?:fixed|solved|resolved|sorted)|(?:has|have) (?:now )?arrived|problem (?:is )?(?:gone|solved))\b"
    r"|(?:已经?|都)?(?:解决了|修好了|好了|收到了|能用了|恢复了)",
    re.IGNORECASE,
)
_LONGEST = 200  # characters of a sentence that is kept word for word


@dataclass(frozen=True, slots=True)
class Fact:
    """key: what makes two facts of a kind the same one, at most 128 characters. text: as a prompt shows it."""

    kind: Kind
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Read:
    """What one message changes. facts: new or said again. gone: (kind, key) that hold no more; an empty key is the newest of its kind."""

    facts: tuple[Fact, ...] = ()
    gone: tuple[tuple[Kind, str], ...] = ()


def read(text: str) -> Read:
    """The facts in a customer's message. Addresses, names and other personal data are not among them: they become pseudonyms."""
    plain = normalise(text)
    language: Language = "zh" if detect(plain) == "zh" else "en"
    facts: dict[tuple[Kind, str], Fact] = {}
    gone: list[tuple[Kind, str]] = []
    for fact in _orders(plain, language, gone):
        facts[fact.kind, fact.key] = fact
    for sentence in sentences(plain):
        for fact in _of_sentence(sentence, language, gone):
            facts[fact.kind, fact.key] = fact
    return Read(tuple(facts.values()), tuple(dict.fromkeys(place for place in gone if place not in facts)))


def _orders(text: str, language: Language, gone: list[tuple[Kind, str]]) -> Iterator[Fact]:
    """Order numbers. A correction may name the right one alone, "no, it is 124", and then the order said last is wrong."""
    wrong = {found[1].upper() for found in _NOT_THIS.finditer(text)}
    codes = [found[1].upper() for found in _ORDER.finditer(text)]
    corrects = _CORRECTS.search(text)
    if corrects and not codes:
        codes = [found[1].upper() for found in _ANY_CODE.finditer(text)][:2]
    right = [code for code in dict.fromkeys(codes) if code not in wrong]
    if corrects and right:
        gone += [("order", code) for code in wrong] or [("order", "")]
    for code in right:
        yield Fact("order", code, f"订单号 {code}" if language == "zh" else f"order number {code}")


def _of_sentence(sentence: str, language: Language, gone: list[tuple[Kind, str]]) -> Iterator[Fact]:
    names = [next(filter(None, found.groups())) for found in _OWNS.finditer(sentence)]
    if _GONE.search(sentence):
        gone += [("product", name.casefold()) for name in names]
    else:
        for name in names:
            yield Fact("product", name.casefold(), f"拥有 {name}" if language == "zh" else f"has a {name}")
    if _SOLVED.search(sentence):
        gone.append(("problem", names[0].casefold() if names else ""))
    elif _BROKEN.search(sentence) and _MINE.search(sentence) and not asks(sentence):
        yield Fact("problem", names[0].casefold() if names else _key(sentence), _quoted(sentence))
    if _PREFERS.search(sentence) and not asks(sentence):
        topic = next((topic for topic, pattern in _TOPICS.items() if pattern.search(sentence)), "")
        yield Fact("preference", topic or _key(sentence), _quoted(sentence))


def _quoted(sentence: str) -> str:
    """The sentence as it was said, without what is personal."""
    return f'"{redact(" ".join(sentence.split())[:_LONGEST]).text}"'


def _key(text: str) -> str:
    return " ".join(redact(text).text.casefold().split())[:128]
