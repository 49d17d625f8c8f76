"""What of a sentence must not get lost: numbers of orders, amounts, dates, addresses, products, promises, what somebody prefers or owns."""

import re

from knowledge.language import normalise
from knowledge.terms import STOP

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_UNIT_EN = r"(?:minutes?|hours?|days?|weeks?|months?|years?|nights?|people|persons?|pieces?|items?|inch(?:es)?|cm|mm|kg|g|ml|gb|tb|mah|w)"
_UNIT_ZH = r"(?:分钟|小时|天|周|星期|个月|年|晚|人|位|件|个|台|箱|瓶|寸|厘米|公斤|克|次)"

# What stands for itself: a summary has to hold these strings as they were said.
_ITEMS: dict[str, tuple[float, re.Pattern[str]]] = {
    "mail": (3.0, re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)),
    "phone": (3.0, re.compile(r"(?<![\w.])\+?\d(?:[ ()-]{0,2}\d){6,14}(?![\w-])", re.ASCII)),
    "code": (
        3.0,
        re.compile(
            r"(?<![\w-])(?:[A-Za-z]{1,8}[-#]?\d[\dA-Za-z]*(?:-[\dA-Za-z]+)*|#\d+|\d+(?:-\d+)+[A-Za-z]*|\d{4,})(?![\w-])", re.ASCII
        ),
    ),
    "street": (
        2.0,
        re.compile(
            r"\d+[a-z]? (?:[A-Z][\w']+ ){1,3}(?:Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Drive|Square|Way|Close|Court)\b"
            r"|[\u4e00-\u9fff]{2,8}(?:路|街|道|巷|弄|胡同)\d+号"
        ),
    ),
    "amount": (
        2.0,
        re.compile(
            r"[$€£¥￥]\s?\d[\d,.]*\d|[$€£¥￥]\s?\d|\d[\d,.]*\s?"
            r"(?:dollars?|euros?|pounds?|usd|eur|gbp|rmb|%|元|块|美元|欧元|万)",
            re.IGNORECASE,
        ),
    ),
    "date": (
        1.5,
        re.compile(
            rf"\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?\b|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\b|\b{_DAY}\b|\b(?:tomorrow|tonight)\b"
            r"|\b\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\b\d{1,2}(?::\d\d)? ?[ap]\.?m\b|\b\d{1,2}:\d\d\b"
            r"|\d{1,4}\s?[年月]\s?\d{1,2}\s?[月日号]|\d{1,2}\s?[日号]|(?:周|星期|礼拜)[一二三四五六日天]|明天|后天|[上下]午\s?\d{1,2}\s?点",
            re.IGNORECASE,
        ),
    ),
    "measure": (0.7, re.compile(rf"\d[\d.,]*[- ]?{_UNIT_EN}\b|[\d一二两三四五六七八九十]+\s?{_UNIT_ZH}", re.IGNORECASE)),
    "name": (
        0.7,
        re.compile(r"(?<![.!?] )(?<!^)\b(?!I\b)[A-Z][\w-]*(?: (?:[A-Z][\w-]*|\d+))*|[《“「][^》”」]{1,30}[》”」]", re.MULTILINE),
    ),
}  # fmt: skip

# What makes a sentence worth keeping beside what it names.
_PROMISE = re.compile(
    r"\b(?:we|i)(?:'ll| will| shall)\b|\bwill (?:be )?(?:refund|replac|send|sen[dt]|ship|call|contact|repair|credit|cancel|waive|arrive)\w*"
    r"|\b(?:promise|guarantee|agreed|decided|approved|confirmed|arranged|booked|waived|opened|created|registered|issued)\w*"
    r"|\bwill \w+ you\b"
    r"|(?:会|将)(?:在|于|为|给|尽快|马上|立即|安排|退|寄|发|联系|补|赔|免)|承诺|保证|答应|同意|决定|已(?:经)?(?:为您|给您|帮您)?(?:安排|登记|提交|办理|预[订定]|批准|确认|申请)|免除",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:my|mine|our)\b|\b(?:i|we)(?:'m|'ve|'d| am| are| have| had| was| were| bought| own| use| live| work| paid| ordered| got| need"
    r"| want| prefer| returned| received| can't| cannot| only| always| never| don't)\b|\bcall me\b"
    r"|我(?:们)?(?:的|对|叫|搬|姓|是|有|在|住|买|用|家|想|要|需要|订|付|只|不|喜欢|更|希望|收到|之前|上)|本人|我女儿|我儿子|我(?:老公|老婆|妈|爸)",
    re.IGNORECASE,
)
_STANDING = re.compile(
    r"\b(?:prefer|allerg|favou?rite|rather|always|never|only|hate|love|vegetarian|vegan|birthday|named?|called|address|moved|deaf|blind|wheelchair)\w*"
    r"|偏好|更喜欢|喜欢|过敏|不吃|忌口|只要|只能|不要|从不|总是|一直|生日|名字|叫做|地址|搬家|搬到|素食|轮椅",
    re.IGNORECASE,
)
_PROBLEM = re.compile(
    r"\b(?:broke|crack|leak|damag|defect|fault|missing|late|delay|fail|error|scratch|stuck|flicker)\w*"
    r"|\b(?:doesn't|does not|won't|isn't|not) (?:work|turn|start|charg|arriv|connect)\w*"
    r"|坏|故障|裂|漏|破损|损坏|划痕|丢失|少了|没收到|未收到|无法|不能用|不亮|开不了|充不|连不|报错|延误|迟",
    re.IGNORECASE,
)
_YOURS = re.compile(r"\byou(?:rs?)?\b|您的|你的|为您|给您", re.IGNORECASE)
_ASKS = re.compile(
    r"[?？]\s*$|(?:吗|呢|吧|呗)[。.!！~]*\s*$"
    r"|\b(?:can|could|would|will) you\b"
    r"|\b(?:need|want|like|looking for|have) (?:some |a |to )?(?:info|help|know|find|question|book|check|see)\w*"
    r"|推荐|介绍|帮(?:我|忙)?(?:们)?(?:再)?(?:找|查|看|订)|(?:想|要)(?:再)?(?:找|问|了解|知道|咨询|去)|请问",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[\w@.+-]*[a-z0-9][\w@.+-]*|[\u4e00-\u9fff]{2}", re.ASCII)
_EXTRA, _CUSTOMERS, _GENERAL, _ASKING = 0.2, 1.0, 0.5, 0.25


def items(text: str) -> frozenset[str]:
    """The strings that a summary has to hold as they are: codes, amounts, dates, addresses, names; normalised, lower-cased."""
    text = normalise(text)
    return frozenset(found[0].strip(" ,.").lower() for _, pattern in _ITEMS.values() for found in pattern.finditer(text))


def outline(text: str) -> frozenset[str]:
    """The words of a sentence that mean something, figures and codes among them; Chinese by pairs of characters."""
    return frozenset(word for word in _WORDS.findall(normalise(text).lower()) if word not in STOP)


def weight(text: str, *, customer: bool) -> float:
    """How much would be lost with this sentence: 0 for small talk, about 5 for a customer's order number or a dated promise."""
    plain = normalise(text)
    total = 0.0
    for worth, pattern in _ITEMS.values():
        found = sum(1 for _ in pattern.finditer(plain))
        total += worth + _EXTRA * min(3, found - 1) if found else 0.0
    if customer:
        total += 1.5 * bool(_OWN.search(plain)) + 2.0 * bool(_STANDING.search(plain)) + 1.5 * bool(_PROBLEM.search(plain))
        total += _CUSTOMERS if total else 0.0
    elif promises(plain):
        total += 1.5 + (1.0 if total else 0.0)
    elif not _YOURS.search(plain):
        total *= _GENERAL  # what a document says, and would be found there again
    return total * (_ASKING if asks(plain) else 1.0)  # what was asked for was answered, or is kept as an open question


def promises(text: str) -> bool:
    """Whether a sentence says what will be, or was, done or agreed."""
    return bool(_PROMISE.search(text))


def asks(text: str) -> bool:
    """Whether a sentence is a question or a request."""
    return bool(_ASKS.search(text))
