"""Numbers of payment cards: found by what issuers give out and their check digit, and masked but for the last four digits."""

import re
from collections.abc import Iterator

from bot.personal.spans import Span

_GAP = r"[\s.\-\u2010-\u2015_·/]{1,3}"
_RUN = re.compile(rf"[0-9]{{1,20}}(?:{_GAP}[0-9]{{1,20}})*")
# What issuers give out, by first digits and length. An IMEI has 15 digits and the same check digit, but begins otherwise than an Amex.
_ISSUED = re.compile(
    r"4\d{12}|4\d{15}|4\d{18}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720|2131|1800)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-59]|[689]\d)\d{11}|(?:60|6[245]|35|8[12]|50|220[0-4]|508)\d{14,17}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}",
    re.ASCII,
)
_LENGTHS = range(19, 11, -1)
_CARD_WORD = re.compile(r"(?:card|visa|master|amex|maestro|debit|credit|cc|nr|no)$", re.IGNORECASE)
_IS = r"(?:\s|[:：#＃=是为号]|is|was|no\.?|nr\.?|number|num\.?){0,6}"
_NOT_A_CARD = re.compile(
    r"(?:order|tracking|invoice|ticket|case|booking|rma|serial|sku|imei|model|barcode|ean|gift ?card|voucher"
    rf"|订单|单号|运单|快递|物流|发票|工单|流水|序列|型号|货号|条码|礼品卡|购物卡){_IS}$",
    re.IGNORECASE,
)
_TOUCHES = 32  # characters before a number in which it is called something
_FOLDED = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}


def masked(text: str) -> str:
    """The text with a dot for each digit of a card's number but the last four; all else, its length too, stays as it is."""
    characters = list(text)
    for span in find(text.translate(_FOLDED)):
        digits = [at for at in range(span.start, span.end) if text[at].isdigit()]
        for at in digits[:-4]:
            characters[at] = "•"
    return "".join(characters)


def find(text: str) -> Iterator[Span]:
    """The numbers of cards, also where an expiry date or a check number follows. `text`: full-width forms folded to ASCII."""
    for run in _RUN.finditer(text):
        groups = [(run.start() + part.start(), part[0]) for part in re.finditer("[0-9]+", run[0])]
        first = 0
        while first < len(groups):
            start, last = groups[first][0], _last(groups, first)
            if last < 0 or _is_something_else(text[max(0, start - _TOUCHES) : start], grouped=last > first):
                first += 1
                continue
            yield Span(start, groups[last][0] + len(groups[last][1]), "CARD")
            first = last + 1


def _is_something_else(before: str, *, grouped: bool) -> bool:
    """Whether a number goes on a code with letters, such as a serial number, or is called an order's, and is not written as a card's."""
    return bool((re.search("[A-Za-z]$", before) and not _CARD_WORD.search(before)) or (not grouped and _NOT_A_CARD.search(before)))


def _last(groups: list[tuple[int, str]], first: int) -> int:
    """The group with which a card's number that begins with the group `first` ends; -1 where none does."""
    digits, found = "", -1
    for last in range(first, len(groups)):
        digits += groups[last][1]
        if len(digits) > _LENGTHS[0]:
            break
        if len(digits) in _LENGTHS and _is_card(digits) and _grouped([len(group) for _, group in groups[first : last + 1]]):
            found = last
            if len(digits) <= 16:  # longer ones are rare: what follows is rather a check number
                break
    return found


def _grouped(lengths: list[int]) -> bool:
    """Whether people write a card's number so: one, equal or long groups."""
    *before, last = lengths
    return not before or min(before) >= 3 or (len(set(before)) == 1 and last <= before[0])


def _is_card(digits: str) -> bool:
    return bool(_ISSUED.fullmatch(digits)) and sum(map(_check, reversed(digits), range(len(digits)))) % 10 == 0


def _check(digit: str, place: int) -> int:
    """What a digit adds to Luhn's sum."""
    return sum(divmod(int(digit) * (1 + place % 2), 10))
