"""The first look at a message: its language, and whether it is small talk, a wish for a person, or a question."""

import re
from dataclasses import dataclass
from typing import Literal

from knowledge.documents import Language
from knowledge.language import detect

Kind = Literal["greeting", "thanks", "goodbye", "person", "question"]

_SMALL_TALK: dict[Kind, re.Pattern[str]] = {
    "greeting": re.compile(
        r"(?:hi+|hello+|hey+|hiya|howdy|greetings|good (?:morning|afternoon|evening|day))(?: (?:there|all|everyone|team|bot|guys))?"
        r"(?:,? how are you(?: (?:doing|today))*)?|how are you(?: (?:doing|today))*|anyone (?:there|here)|are you there"
        r"|你好+|您好|哈喽|嗨+|喂|在吗|在么|在不在|有人吗|早上好|上午好|中午好|下午好|晚上好|早安|(?:你好|您好)?[,，]?在吗|客服在吗|hello在吗",
        re.I,
    ),
    "thanks": re.compile(
        r"(?:ok(?:ay)?|great|perfect|cool|nice|super|awesome|alright|got it|good)?[,.! ]*(?:many |so |big )?(?:thanks?|thank you|thx|ty|cheers|tysm|appreciate it)"
        r"(?: (?:a lot|so much|very much|again|you|for (?:your|the) help|for that|a bunch|mate|man))*"
        r"|(?:ok(?:ay)?|great|perfect|cool|got it|alright|understood|all good)"
        r"|(?:好的?|行|嗯+|哦+|明白了?|知道了|了解了?|收到)?[,，!！。 ]*(?:非常|太|多)?(?:感谢|谢谢)+(?:你|您|了|啦|哈|啊|您的帮助|你的帮助|亲)*"
        r"|好的?|好哒|好嘞|行吧?|嗯+|哦+|明白了?|知道了|了解了?|收到|可以了|没事了|没问题",
        re.I,
    ),
    "goodbye": re.compile(
        r"(?:ok(?:ay)?[,. ]*)?(?:thanks?[,. ]*)?(?:bye+|bye ?bye|goodbye|good ?night|see (?:you|ya)(?: later)?|that(?:'s| is| was) (?:all|it))(?: (?:for now|then|thanks))?"
        r"|再见|拜拜+|回见|回头见|晚安|没有?别的(?:问题)?了|就这些",
        re.I,
    ),
}
_PERSON = re.compile(
    r"\b(?:talk|speak|chat|connect(?: me)?|transfer(?: me)?|pass me|put me through|get me|give me|need|want|like|see)\b.{0,30}"
    r"\b(?:(?:real|live|actual) )?(?:human(?: being)?|person|agent|representative|rep|operator|someone|somebody|(?:support|service|customer) (?:staff|team|agent)|manager|supervisor)\b"
    r"|^(?:human|agent|representative|operator|real person|live (?:agent|chat|person)|person|a human|a person)(?: please)?$"
    r"|\b(?:not|no) (?:a )?(?:bot|robot|machine)s?\b"
    r"|转(?:接)?(?:到)?人工|人工(?:客服|服务|坐席)?(?:在吗|呢)?$|^人工|(?:找|要|叫|换|联系|接)(?:个|一个|一下)?(?:真人|人工|活人|人来|专员|客服人员)|真人(?:客服|服务)|(?:不想|不要|别)(?:跟|和)?机器人(?:聊|说)|跟人(?:聊|说)",
    re.I,
)
# "Until what time can I chat with a real person?" is a question about persons, not a wish for one.
_ABOUT = re.compile(
    r"\b(?:what time|until when|when|how (?:long|many|much|soon)|hours|which|opening|cost|does it|is there a (?:number|fee))\b|几点|多久|什么时候|啥时候|多少|时间|电话(?:是)?多少|收费|怎么(?:联系|找)|吗[?？]?$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Triage:
    """language: of the message, or of the page where the message does not tell. kind: what to do with it."""

    language: Language
    kind: Kind


def triage(text: str, page: Language | None = None, spoken: Language | None = None) -> Triage:
    """Look at a message. page: the language of the customer's page. spoken: of the conversation until now."""
    language = detect(text) or spoken or page or "en"
    bare = re.sub(r"[\s.!?~,，。！？～…、:;)(-]+$", "", text.strip())
    for kind, pattern in _SMALL_TALK.items():
        if pattern.fullmatch(bare):
            return Triage(language, kind)
    wish = _PERSON.search(bare)
    if wish and len(bare) < 200 and not _ABOUT.search(bare):
        return Triage(language, "person")
    return Triage(language, "question")
