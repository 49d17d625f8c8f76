"""The first look at a message: its language, and whether it is small talk, a wish for a person, or a question."""

import re
from dataclasses import dataclass
from typing import Literal
from unicodedata import category

from bot.personal.cards import masked
from knowledge.documents import Language
from knowledge.language import detect, normalise

Kind = Literal["greeting", "thanks", "goodbye", "about", "person", "question"]

_OK_EN = r"(?:ok(?:ay)?|great|perfect|cool|nice|super|awesome|alright|got it|good|understood|all good)"
_OK_ZH = r"(?:好的?|好哒|好嘞|行吧?|嗯+|哦+|明白了?|知道了|了解了?|收到|可以了|没事了|没问题)"
_THANKS_EN = r"(?:many |so |big )?(?:thanks?|thank you|thx|ty|cheers|tysm|appreciate it)"
_THANKS_ZH = r"(?:非常|太|多)?(?:感谢|谢谢|多谢)+(?:你|您|了|啦|哈|啊|的?帮助|亲)*"
_WHAT = r"(?:(?:chat)?bot|robot|human(?: being)?|person|ai|machine|computer)"
_HOW = r"how are you(?: (?:doing|today))*"

# Each matches a whole message, without the punctuation at its end.
_SMALL_TALK: dict[Kind, re.Pattern[str]] = {
    "greeting": re.compile(
        r"(?:hi+|hello+|hey+|hiya|howdy|greetings|good (?:morning|afternoon|evening|day))(?: (?:there|all|everyone|team|bot|guys))?"
        rf"(?:[,.! ]*{_HOW})?|{_HOW}|(?:hello[,.! ]*)?(?:is )?any(?:one|body) (?:there|here)|(?:hello[,.! ]*)?are you there"
        r"|(?:你好|您好|hello)?[,，]?(?:客服)?(?:在吗|在么|在不在|有人吗)|你好+|您好|哈喽|嗨+|喂|早上好|上午好|中午好|下午好|晚上好|早安",
        re.IGNORECASE,
    ),
    "thanks": re.compile(
        rf"(?:{_OK_EN}?[,.! ]*{_THANKS_EN}(?: (?:a lot|so much|very much|again|you|for (?:your|the) help|for that|a bunch|mate|man))*"
        rf"|{_OK_EN}|no[, ]*(?:thanks|thank you)|{_OK_ZH}?[,!。 ]*{_THANKS_ZH}|{_OK_ZH}|(?:不用|不需要)(?:了|的)*[,!。 ]*(?:{_THANKS_ZH})?"
        r"|[👍👌🙏😊🙂😀😄🎉❤\ufe0f]+)",
        re.IGNORECASE,
    ),
    "about": re.compile(
        r"(?:(?:so|hi|hello|hey|wait)[,.! ]+)?(?:(?:who|what) (?:are|r) (?:you|u)|(?:what's|what is|whats) (?:your|ur) name"
        r"|do you have a name"
        rf"|(?:are|r) (?:you|u) (?:an? )?(?:real |actual |just |only )*(?:an? )?{_WHAT}"
        rf"|(?:are|r) (?:you|u) real|am i (?:talking|speaking|chatting|writing) (?:to|with) (?:an? )?(?:real )?{_WHAT}"
        rf"|is this (?:an? )?(?:real )?{_WHAT}|what (?:can|do) (?:you|u) do|how can (?:you|u) help(?: me)?"
        rf"|what can (?:you|u) (?:help|assist)(?: me)? with)(?: or (?:an? )?(?:real )?{_WHAT})?"
        r"|(?:请问)?[你您](?:到底|究竟)?是(?:不是)?"
        r"(?:谁|什么|什么人|哪位|一?个?(?:聊天)?机器人|真人|人工(?:客服)?|活人|人|ai|智能客服)(?:吗|么|啊|呀|呢)?"
        r"|(?:请问)?[你您]是(?:机器人|ai|真人|人工|人)还是(?:机器人|ai|真人|人工|人)(?:啊|呀|呢)?|[你您]叫(?:什么|啥)(?:名字)?(?:啊|呀|呢)?"
        r"|[你您](?:能|会|可以)(?:帮(?:我|忙)?)?(?:做|干)?(?:些|点)?(?:什么|啥|哪些事)(?:事|忙)?(?:啊|呀|呢)?",
        re.IGNORECASE,
    ),
    "goodbye": re.compile(
        rf"(?:{_OK_EN}[,.! ]*)?(?:{_THANKS_EN}[,.! ]*)?(?:bye+|bye[ -]?bye|goodbye|good ?night|see (?:you|ya)(?: later)?"
        r"|that(?:'s| is| was) (?:all|it))(?: (?:for now|then|thanks))?"
        rf"|(?:{_OK_ZH}[,!。 ]*)?(?:{_THANKS_ZH}[,!。 ]*)?(?:再见|拜拜+|回见|回头见|晚安|没有?别的(?:问题)?了|就这些)",
        re.IGNORECASE,
    ),
}
_ROLE = (
    r"(?:human(?: being)?|person|agent|representative|rep|operator|manager|supervisor|(?:support|service|customer) (?:staff|team|agent))"
)
_HAN_PERSON = r"(?:真人|活人|专员|主管|经理|客服人员|人工(?!费|成本|智能|湖))"
_PERSON = re.compile(
    rf"\b(?:talk|speak|chat|(?:connect|transfer|pass|put|hand) (?:me|us|to))\b.{{0,30}}\b(?:{_ROLE}|someone|somebody)\b"
    r"|\b(?:get me|give me|need|want|would like|i'd like)\b(?: to (?:see|reach|have))?"
    rf"(?: (?:a|an|the|your|some|real|live|actual|another)){{0,3}} {_ROLE}\b"
    rf"|\b(?:{_ROLE}|someone|somebody)\b (?:that |who |whom )?i (?:can|could|may) (?:talk|speak|chat)\b"
    rf"|^(?:(?:a|an|real|live) )*(?:chat|{_ROLE})(?: please)?$"
    rf"|^(?:(?:please|no|hi|hello)[,. ]+)*(?:(?:a|an|the|real|live|actual) )*{_ROLE},? please\b"
    rf"|\bplease,? (?:(?:a|an|real|live|actual) )+{_ROLE}\b"
    rf"|\b(?:can|could|may|let) (?:(?:a|an|real|live|actual|your) )+{_ROLE}"
    r" (?:please )?(?:help|call|look|answer|take|contact|check|handle)\b"
    rf"|\b(?:reach|contact|get (?:hold of|through to)) (?:(?:a|an|real|live|actual) )+{_ROLE}\b"
    r"|\b(?:to|with|want|need) (?:.{0,20} )?not (?:to |with )?(?:a |some )?(?:ro)?bots?\b"
    r"|^(?:no|not a|no more) (?:(?:ro)?bots?|machines?)\b"
    rf"|转(?:接|到|成|给|至|个|一下)*(?:客服$|{_HAN_PERSON})"
    rf"|(?:找|要|叫|换|联系|接|派)(?:你们)?(?:个|一个|一下|一位|位)?(?:的)?{_HAN_PERSON}"
    r"|^(?:在线|请问)?(?:有(?:没有)?)?(?:人工|真人)(?:客服|服务|坐席|帮助)?(?:在吗|在不在|吗|么|呢|吧)?$|真人(?:客服|服务)"
    r"|(?:不想|不要|别)(?:再)?(?:跟|和|与)?机器人|(?:跟|和|与)(?:真|活)?人(?:工)?(?:聊|说|谈|沟通)",
    re.IGNORECASE,
)
# "Until what time can I chat with a real person?" is a question about persons, not a wish for one. English asks before, Chinese anywhere.
_ABOUT_EN = re.compile(
    r"\b(?:what|until when|when|how (?:long|many|much|soon)|hours|which|cost|does it|do i (?:need|have) to|is there a (?:number|fee))\b",
    re.IGNORECASE,
)
_ABOUT_ZH = re.compile(r"几点|多久|什么时候|啥时候|多少|时间|号码|收费|要钱|花钱|免费|周末|节假日|怎么(?:联系|找)")
_YES = re.compile(
    r"(?:yes|yeah|yep|yup|sure|ok(?:ay)?|of course)?[,.! ]*(?:please)?(?: do)?"
    r"|(?:yes|sure|ok(?:ay)?)[,.! ]*(?:i would|i do|why not|that would be .{1,20})"
    r"|(?:好|好的|行|可以|要|需要|是|是的|嗯+|对)?[,。!]*(?:转|转吧|转接|转接吧|麻烦(?:你|您)?了?|请转|谢谢)?",
    re.IGNORECASE,
)
_NO = re.compile(r"no(?:pe)?|nah|not now|不|不要|算了|先不用", re.IGNORECASE)
# Chinese chats are full of these, and an English one's are the same: they do not tell the language.
_SHARED = re.compile(r"(?:ok(?:ay)?|hi|hello|hey|bye(?:[ -]?bye)?|yes|no|thx)", re.IGNORECASE)
_NO_WORDS = re.compile(r"</?[a-z!][^<>]{0,2000}>|(?:https?://|www\.)[!-~]+|(?<![\w.+-])[\w.+-]{1,64}@[\w.-]+", re.IGNORECASE | re.ASCII)
_JOINERS = "\u200c\u200d"  # invisible, but emoji are made with one and Persian is written with the other
_LONGEST_WISH = 200  # characters; a longer message tells a story, and what it tells is looked for first


@dataclass(frozen=True, slots=True)
class Triage:
    """language: of the message, or of the conversation or page where the message does not tell. kind: what to do with it."""

    language: Language
    kind: Kind


def triage(text: str, page: Language | None = None, spoken: Language | None = None, *, offered: bool = False) -> Triage:
    """Look at a message. page: the language of the customer's page. spoken: of the conversation until now.

    offered: the bot has just offered a person, so that a yes is a wish for one.
    """
    return Triage(language_of(text) or spoken or page or "en", _kind(_bare(text), offered))


def cleaned(text: str) -> str:
    """A message as it was typed, but for control and invisible characters, halves of surrogate pairs and the white space around it."""
    kept = "".join(_plain(character) for character in text)
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip()


def typed(text: str) -> str:
    """A message as it is kept and shown to models: cleaned, and without the numbers of payment cards, which nothing here needs."""
    return masked(cleaned(text))


def _plain(character: str) -> str:
    kind = category(character)
    if kind == "Cc":
        return character if character in "\n\t" else " "
    return "" if kind in ("Cf", "Cs") and character not in _JOINERS else character


def language_of(text: str) -> Language | None:
    """The language of a message, None where it does not tell: figures, codes, and the few words that both languages' chats are full of.

    Tags, addresses on the web and mail addresses are in nobody's language.
    """
    said = _NO_WORDS.sub(" ", text)
    return None if _SHARED.fullmatch(_bare(said)) else detect(said)


def _bare(text: str) -> str:
    return re.sub(r"[\s.!?~,、。…:;)(-]+$", "", normalise(text).strip())


def _kind(bare: str, offered: bool) -> Kind:
    if bare and offered and _YES.fullmatch(bare):
        return "person"
    if offered and _NO.fullmatch(bare):
        return "thanks"
    for kind, pattern in _SMALL_TALK.items():
        if pattern.fullmatch(bare):
            return kind
    wish = _PERSON.search(bare)
    if wish and len(bare) < _LONGEST_WISH and not _ABOUT_EN.search(bare[: wish.start()]) and not _ABOUT_ZH.search(bare):
        return "person"
    return "question"
