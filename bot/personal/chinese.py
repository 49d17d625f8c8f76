"""Names, places and addresses in Chinese text: by surnames, by the words around them, and by the words that addresses are made of."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.personal.lexicon import Chinese, chinese
from bot.personal.spans import Span

_HAN = r"[\u4e00-\u9fff]"
_PLAIN = r"[^\W\d_a-zA-Z的了吗呢吧啊在我你您他她它们是就也想请把被怎什么哪这那到住]"  # in names of streets
_CALLED = re.compile(
    r"(?:我叫|叫做|名叫|名字[叫是为]?|姓名|收件人|收货人|联系人|寄件人|发件人|客户名?|户名|持卡人|申请人|经办人|开户人|本人|尊敬的|亲爱的|我是|这是|签收人"
    r"|机主|车主|预订人|入住人|乘客|署名|称呼我?|抬头写?|(?P<weak>找|让|由|叫|给|联系|写|爸|妈|爸爸|妈妈|同事|朋友|老公|老婆|儿子|女儿|室友|家人))[:：是为叫\s]{0,4}(?=[\u4e00-\u9fff])"
)
_TITLED = re.compile(r"(?=先生|女士|小姐|太太|老师|医生|师傅|经理|主任|同学|总监|律师|教授|阿姨|叔叔)")
_RECEIVES = re.compile(rf"(?<!{_HAN})(?P<it>({_HAN}){_HAN}{{1,2}})(?:亲?收)(?=[，。,\s]|$)")
_FAMILIAR = re.compile(rf"(?<!{_HAN})(?:客服)?(?P<it>[小老阿]({_HAN}))(?=[说，。,:：\s！!？?]|$)")
_ENDS_A_NAME = frozenset(
    "的在了说是要想，请和收电手订住地买退来有不就也都还没昨今明上下这那吗呢吧啊您你我他她与跟已先女小签寄发到从去把给让姓联身年今"
)
_ADMIN = r"(?:省|自治区|特别行政区|自治州|地区|市|区|县|旗|镇|乡|街道|开发区|新区|村|屯|社区)"
_ROAD = r"(?:大道|大街|路|街|道|巷|弄|胡同|里|环|交叉口|段)"
_BUILDING = r"(?:小区|花园|大厦|广场|公寓|新村|家园|公馆|苑|园|宿舍|写字楼|科技园|商厦|大楼|府邸|中心|酒店|医院|学校|大学|城|湾|庭|轩|阁)"
_NUMBER = r"(?:[A-Za-z]?[0-9]{1,5}(?:[-－—之][0-9A-Za-z]{1,5}){0,3}[A-Za-z]?|[一二三四五六七八九十百]{1,4}|[A-Za-z甲乙丙丁东西南北])"
_HOUSE = r"(?:号院|号楼|号|弄|栋|幢|座|单元|层|楼|室|户|房|门|期|组|#)"
_PIECE = re.compile(
    rf"(?P<house>\s?{_NUMBER}{_HOUSE})|(?P<room>[-－ ]?[A-Za-z]?\d{{1,5}}(?:-\d{{1,5}}){{0,2}}(?![\d元个件天年月日台块岁点次%.]))"
    rf"|(?P<road>[,，\s]?{_PLAIN}{{1,8}}?{_ROAD})|(?P<admin>[,，\s]?{_PLAIN}{{1,9}}?{_ADMIN})|(?P<building>[,，\s]?{_PLAIN}{{1,8}}?{_BUILDING})"
)  # fmt: skip
_AT = re.compile(r"(?:住在|住址|地址|寄到|送到|发到|寄往|发往|改成|改为|改到|搬到|位于|送货到|配送到|家在|公司在|收货地)[是为:：\s]{0,3}")
_ROADS = re.compile(rf"[-－]?(?<!\d){_PLAIN}{{2,6}}?{_ROAD}(?=\d{{1,5}}号)")
_POSTCODE = re.compile(r"[ ,，]?(?<!\d)\d{6}(?!\d)")


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    tag: str


def find(text: str, kept: frozenset[str]) -> Iterator[Span]:
    """Addresses, then names, then places. kept: words that are neither."""
    if not re.search(_HAN, text):
        return
    words, known = _words(text), chinese()
    for found in (_addresses(text, words, known), _names(text, words, known), _places(text, words, known)):
        yield from (span for span in found if text[span.start : span.end] not in kept)


def _words(text: str) -> list[_Word]:
    import rjieba

    words, at = [], 0
    for word, tag in rjieba.tag(text):
        words.append(_Word(at, at + len(word), tag))
        at += len(word)
    return words


def _addresses(text: str, words: Sequence[_Word], known: Chinese) -> Iterator[Span]:
    starts = {word.start for word in words if _is_place(text[word.start : word.end], word.tag, known)} | {
        match.end() for match in _AT.finditer(text)
    }
    starts |= {match.start() for match in _ROADS.finditer(text)}
    over = 0
    for start in sorted(starts):
        if start < over:
            continue
        end, kinds = _read(text, start)
        streets = kinds & {"road", "house", "building"}
        if streets and kinds - {"room"} != {"house"} and (len(kinds) > 1 or "road" not in kinds):
            if postcode := _POSTCODE.match(text, end):
                end = postcode.end()
            yield Span(start, end, "ADDRESS")
            over = end


def _read(text: str, start: int) -> tuple[int, set[str]]:
    """How far the pieces of an address go on from `start`, and of which kinds they are."""
    at, kinds = start, set[str]()
    while piece := _PIECE.match(text, at):
        kind = str(piece.lastgroup)
        if kind == "room" and not kinds & {"road", "house", "building"}:
            break
        kinds.add(kind)
        at = piece.end()
    return at, kinds


def _names(text: str, words: Sequence[_Word], known: Chinese) -> Iterator[Span]:
    ends = {word.end for word in words}
    for match in _CALLED.finditer(text):
        length = _full_name(text, match.end(), ends, known)
        if length and (not match["weak"] or _whole_name(text[match.end() : match.end() + length], known)):
            yield Span(match.end(), match.end() + length, "NAME")
    for match in _TITLED.finditer(text):
        yield from _before_title(text, match.start(), words, known)
    for word in words:
        if word.tag.startswith("nr") and _whole_name(text[word.start : word.end], known):
            yield Span(word.start, word.end, "NAME")
    for match in (*_FAMILIAR.finditer(text), *_RECEIVES.finditer(text)):
        if match[2] in known.surnames and match["it"] not in known.ordinary:
            yield Span(*match.span("it"), "NAME")


def _surname(text: str, at: int, known: Chinese) -> int:
    """The length of the surname at a place, 0 where none is."""
    return 2 if text[at : at + 2] in known.surnames else int(text[at : at + 1] in known.surnames)


def _whole_name(word: str, known: Chinese) -> bool:
    """Whether a word that was tagged as a name is one: a surname and one or two characters that names are given with."""
    surname = _surname(word, 0, known)
    return bool(surname) and 1 <= len(word) - surname <= 2 and set(word[surname:]) <= known.given and word not in known.ordinary


def _full_name(text: str, at: int, ends: set[int], known: Chinese) -> int:
    """The length of the name that begins at a place where one is expected: a surname and one or two characters."""
    surname = _surname(text, at, known)
    if not surname or not re.match(_HAN, text[at + surname : at + surname + 1]) or text[at + surname] in _ENDS_A_NAME:
        return 0
    if text[at : at + 2] in known.ordinary and text[at + 1] not in known.given:
        return 0
    third = text[at + surname + 1 : at + surname + 2]
    if not re.match(_HAN, third) or third in _ENDS_A_NAME:
        return surname + 1
    fourth = at + surname + 2
    if at + surname + 1 in ends and fourth not in ends:  # a word of its own begins after the first character
        return surname + 1
    return surname + 2


def _before_title(text: str, at: int, words: Sequence[_Word], known: Chinese) -> Iterator[Span]:
    """The longest name that ends at `at` and begins where a word begins."""
    index = bisect_right(words, at, key=lambda word: word.start)
    starts = {word.start for word in words[max(0, index - 6) : index + 2]}
    for length in (4, 3, 2, 1):
        start = at - length
        if start >= 0 and re.fullmatch(f"{_HAN}+", text[start:at]) and start in starts:
            surname = _surname(text, start, known)
            if (
                surname
                and 0 <= length - surname <= 2
                and (length == 1 or text[start + surname : at].strip("们的小") == text[start + surname : at])
            ):
                yield Span(start, at, "NAME")
                return


def _places(text: str, words: Sequence[_Word], known: Chinese) -> Iterator[Span]:
    for word in words:
        if _is_place(text[word.start : word.end], word.tag, known):
            yield Span(word.start, word.end, "PLACE")


def _is_place(word: str, tag: str, known: Chinese) -> bool:
    return word in known.places or (tag == "ns" and len(word) > 2 and bool(re.search(_ADMIN + "$", word)) and word not in known.ordinary)
