"""Personal data with a form of its own: addresses of mail and web, numbers of phones, cards, accounts and papers.

Letters and digits are looked at as ASCII, never with `\\b` or `\\w`: a Chinese character is a word character, and numbers touch it.
Every pattern begins where a run begins and is bounded, so that the time grows with the length of the text alone.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.personal import cards
from bot.personal.spans import Span, Type

_A = r"(?<![0-9A-Za-z])"  # not inside a word or a number
_Z = r"(?![0-9A-Za-z])"
_DATE = (
    r"\d{4}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}日?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}年\d{1,2}月|19\d{6}|20\d{6}"
    r"|\d{1,2}(?:st|nd|rd|th)?(?: of)? [A-Z][a-z]{2,8}\.?,? \d{4}|[A-Z][a-z]{2,8}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
)
_IS = r"(?:\s|:|：|#|＃|=|是|为|is|was|no\.?|nr\.?|number|num\.?|号码|号|为:){0,6}"
_ORDER_WORD = (
    r"order|tracking|shipment|parcel|package|invoice|ticket|case|reference|ref|rma|return|booking|confirmation|serial|sku|model|part|item"
    r"|订单|单号|运单|快递|物流|发票|工单|退货|退款|编号|流水|型号|货号|序列|条码|商品"
)
_CARD_WORD = (
    r"(?:credit|debit|bank|master|visa|amex|prepaid)?\s?(?<![a-z])(?:card|cards|cc)|visa|mastercard|amex"
    r"|卡号|银行卡|信用卡|储蓄卡|借记卡|卡"
)
_PHONE_WORD = (
    r"phone|mobile|cell|cellphone|tel|telephone|fax|desk|whats ?app|sms|text me|call me|call|calling|reach me|reached|dial|contact"
    r"|office|landline|wechat|电话|手机|座机|传真|微信|热线|联系方式|拨打|致电|电话号码|手机号码?"
)
_MONEY = r"(?:[$€£¥￥₹]|usd|eur|gbp|cny|rmb|hkd)"
_UNIT = (
    r"\s?(?:[$€£¥￥₹%°]|usd|eur|gbp|cny|rmb|dollars?|euros?|yuan|元|块|万|亿|个|件|台|条|次|人|克|斤|ml|mah|wh|kwh|rpm|kg|km|mm|cm"
    r"|gb|mb|tb|hz|khz|mhz|ghz|px|dpi)(?![a-z])"
)
_TOUCHES = 24  # characters before a number in which a word tells what it is


@dataclass(frozen=True, slots=True)
class _Rule:
    type: Type
    pattern: re.Pattern[str]
    holds: Callable[[str, re.Match[str]], bool] = lambda _text, _match: True


def structured(text: str) -> Iterator[Span]:
    """Everything with a form of its own, the surest first. `text`: full-width forms folded to ASCII, of the same length."""
    yield from _by(_RULES, text)
    yield from cards.find(text)  # what the rule of cards does not see, since a date or a check number follows


def loose(text: str) -> Iterator[Span]:
    """What may be a phone number where nothing else has claimed it."""
    yield from _by(_LOOSE, text)


def _by(rules: Sequence[_Rule], text: str) -> Iterator[Span]:
    for rule in rules:
        for match in rule.pattern.finditer(text):
            if rule.holds(text, match):
                yield Span(*match.span("it" if "it" in rule.pattern.groupindex else 0), rule.type)


def _before(text: str, at: int, words: str) -> bool:
    """Whether one of `words` stands shortly before, in the same sentence."""
    near = re.split(r"[.!?。！？\n;；](?=\s|[^\x00-\x7f]|$)", text[max(0, at - _TOUCHES) : at])[-1]
    return bool(re.search(rf"(?<![a-z])(?:{words})(?![a-z])", near, re.IGNORECASE))


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _is_iban(text: str, match: re.Match[str]) -> bool:
    from stdnum import iban

    return bool(iban.is_valid(match[0], check_country=False)) or _before(text, match.start(), "iban")


def _is_chinese_id(text: str, match: re.Match[str]) -> bool:
    from stdnum.cn import ric

    return bool(ric.is_valid(match[0].upper())) or _before(text, match.start(), "身份证|证件|id|identity")


def _is_card(text: str, match: re.Match[str]) -> bool:
    from stdnum import luhn

    digits = _digits(match[0])
    if _before(text, match.start(), _ORDER_WORD) and not _before(text, match.start(), _CARD_WORD):
        return False
    issued = re.match(r"3[04-9]|4|5|6[0-9]|2[2-7]|1800|2131|81", digits)
    return _before(text, match.start(), _CARD_WORD) or bool(issued and luhn.is_valid(digits))


def _is_ip(text: str, match: re.Match[str]) -> bool:
    if _before(text, match.start(), r"v|version|firmware|release|build|update|版本|固件"):
        return False
    try:
        return ipaddress.ip_address(match[0]).version == 4 or sum(map(bool, match[0].split(":"))) > 2
    except ValueError:
        return False


def _is_phone(text: str, match: re.Match[str]) -> bool:
    return _phone(text, match) == "sure"


def _may_be_phone(text: str, match: re.Match[str]) -> bool:
    return _phone(text, match) == "loose"


def _phone(text: str, match: re.Match[str]) -> Literal["sure", "loose", ""]:
    """`loose`: two groups of digits and nothing else, which may as well be the start of an address."""
    written, start = match["it"], match.start("it")
    digits = _digits(re.split(r"(?:x|ext)", written)[0])
    following = text[match.end() :][:12]
    if not 7 <= len(digits) <= 15 or _is_date_or_amount(written, text[max(0, start - 5) : start], following):
        return ""
    named = re.match(rf"[ -]?(?:{_PHONE_WORD})(?![a-z])", following, re.IGNORECASE) or _before(text, start, _PHONE_WORD)
    if written.startswith("+") or named:
        return "sure"
    return "" if _before(text, start, _ORDER_WORD) else _by_groups(written, digits)


def _is_date_or_amount(written: str, before: str, following: str) -> bool:
    years = r"(?:19|20)\d\d"
    if re.fullmatch(rf"{_DATE}|{years}\s?[-/]\s?{years}", written):
        return True
    return bool(re.search(rf"{_MONEY}\s?$", before, re.IGNORECASE) or re.match(_UNIT, following, re.IGNORECASE))


def _by_groups(written: str, digits: str) -> Literal["sure", "loose", ""]:
    """What the digits' grouping says, where no word beside them does."""
    groups = len(re.findall(r"\d+", written))
    if groups == 1:
        return "sure" if re.fullmatch(r"(?:86)?1[3-9]\d{9}", digits) or _is_american(digits) else ""
    if re.fullmatch(r"[1-9]\d{0,2}(?:[ .]\d{3})+", written) and (len(digits) < 8 or "." in written):
        return ""  # the groups of a large number
    if groups == 2:
        return "" if "." in written else "loose" if written.replace(" ", "").isdigit() else "sure"
    return "sure"


def _is_american(digits: str) -> bool:
    import phonenumbers

    return len(digits) == 10 and phonenumbers.is_valid_number(phonenumbers.parse(digits, "US"))


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_NO_SPACE = r"[^\s<>\"'\u3000-\u9fff\uff00-\uffef]"
_LOCAL = "[a-z0-9._%+'-]"
_DOMAIN = r"(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}"
_ORDER = r"order|订单|单号|运单号?|快递单号?|tracking|invoice|ticket|case|booking|rma"
_PAPER = r"passport|driver'?s?'? licen[cs]e|driving licen[cs]e|licen[cs]e (?:number|no)|护照|驾驶证|驾照|港澳通行证|通行证|社保卡?"
_BANK = r"bank account|account (?:no\.?|number)|银行账[号户]|账号|routing number|sort code"
_WORD = r"(?:password|passcode|密码|验证码|口令|verification code|one-time code)(?:\s?(?:is|was|:|：|=|是|为)\s?)+"
_BORN = r"(?:born|birth|birthday|birthdate|dob|d\.o\.b\.|出生日期|出生|生日)(?:\s|:|：|is|on|was|in|it's|于|是|为|\.){0,6}"
_NUMBERS = r"\+?\(?\d{1,15}(?:[ ./()-]{1,3}\d{1,14}){0,7}(?:\s?(?:x|ext\.?)\s?\d{1,6})?"
_PHONE = _compiled(rf"(?<![0-9a-z#$€£¥/_-])(?<!\d[.,:])(?P<it>{_NUMBERS})(?![0-9]|[.,:/]\d|[a-z])")
_RULES = (
    _Rule("URL", _compiled(rf"(?<![a-z])(?:https?|ftp)://{_NO_SPACE}{{1,2000}}(?<![.,;:!?)\]}}])")),
    _Rule("URL", _compiled(rf"{_A}www\.[a-z0-9-]{{1,63}}(?:\.[a-z0-9-]{{1,63}}){{1,5}}(?:/{_NO_SPACE}{{0,500}}[a-z0-9/])?")),
    _Rule("MAIL", _compiled(rf"(?<!{_LOCAL})[a-z0-9_%+]{_LOCAL}{{0,63}}@{_DOMAIN}")),
    _Rule("IBAN", _compiled(rf"(?:{_A}|(?<=iban))[a-z]{{2}}\d{{2}}(?:[ ]?[0-9a-z]{{4}}){{2,7}}(?:[ ]?[0-9a-z]{{1,3}})?{_Z}"), _is_iban),
    _Rule("NATIONAL_ID", _compiled(rf"{_A}\d{{17}}[\dx]{_Z}"), _is_chinese_id),
    _Rule("NATIONAL_ID", re.compile(r"(?<![\d-])(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")),
    _Rule("NATIONAL_ID", _compiled(rf"(?:social security|ssn|社会安全号|社安号){_IS}(?P<it>\d{{3}}[ -]?\d{{2}}[ -]?\d{{4}}){_Z}")),
    _Rule("NATIONAL_ID", _compiled(rf"(?:身份证|证件){_IS}(?P<it>\d{{15}}){_Z}")),
    _Rule("ID", _compiled(rf"(?:{_PAPER}){_IS}(?P<it>(?=[a-z-]{{0,6}}\d)[0-9a-z][0-9a-z-]{{4,19}}){_Z}")),
    _Rule("ACCOUNT", _compiled(rf"(?:{_BANK}){_IS}(?P<it>\d[\d -]{{4,24}}\d){_Z}")),
    _Rule("SECRET", _compiled(rf"{_WORD}(?P<it>(?=[!-~]{{0,39}}\d)[!-~]{{3,40}})")),
    _Rule(
        "ADDRESS", _compiled(rf"(?:zip|post(?:al)?)\s?(?:code)?{_IS}(?P<it>(?=[a-z]{{0,3}}\d)[0-9a-z]{{2,6}}(?:[ -][0-9a-z]{{2,4}})?){_Z}")
    ),
    _Rule("ADDRESS", _compiled(rf"(?:邮编|邮政编码|邮递区号){_IS}(?P<it>\d{{5,6}}){_Z}")),
    _Rule("CARD", re.compile(r"(?<![0-9A-Za-z.-])\d(?:[ -]?\d){11,18}(?![0-9A-Za-z])"), _is_card),
    _Rule("IP", re.compile(r"(?<![0-9A-Za-z.])\d{1,3}(?:\.\d{1,3}){3}(?![0-9A-Za-z]|\.\d)"), _is_ip),
    _Rule("IP", _compiled(r"(?<![0-9a-z:])(?=[0-9a-f]{0,4}:)[0-9a-f:]{3,39}(?![0-9a-z:])"), _is_ip),
    _Rule("BIRTH_DATE", _compiled(rf"{_BORN}(?P<it>{_DATE})")),
    _Rule("BIRTH_DATE", re.compile(r"(?P<it>\d{4}年\d{1,2}月\d{1,2}日|\d{4}[-/.]\d{1,2}[-/.]\d{1,2})(?=出生|生日|\s?生(?!产|效|成))")),
    _Rule("ORDER", _compiled(rf"(?:{_ORDER}){_IS}(?P<it>(?=[a-z_-]{{0,8}}\d)[0-9a-z][0-9a-z_-]{{3,31}}){_Z}")),
    _Rule("PHONE", _PHONE, _is_phone),
)
_LOOSE = (_Rule("PHONE", _PHONE, _may_be_phone),)
