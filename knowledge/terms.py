"""Texts into the terms that are counted: stems for English, words and character pairs for Chinese, names with their model number."""

import re
from functools import lru_cache
from typing import Any

from knowledge.language import CJK, normalise

_TOKEN = re.compile(rf"[{CJK}]+|\d+(?:[.,:]\d+)*|[^\W\d_{CJK}]+(?:'[a-z]+)?")
_HAN = re.compile(f"[{CJK}]+")
# "Product A", "产品A", "Nova S5", "Max 6", "Lumen 27": a name and what tells it from its siblings. Alone, "A" or "6" says nothing.
_MODEL = re.compile(
    rf"(?:(?<![^\W\d_{CJK}])(?P<latin>[^\W\d_{CJK}]{{2,}})[ -]|(?P<han>[{CJK}]{{2}}) ?)"  # from a word's start: linear in its length
    r"(?P<mark>[A-Za-z](?![A-Za-z'])|[A-Za-z]{0,2}\d{1,4}[A-Za-z]?(?![A-Za-z]))(?![.,:]?\d)"
)
_JOINED = rf"(?:-|(?![{CJK}])\w)"  # what a code may not touch; Chinese is written without spaces
# An error code or a model's: "P-03", "E4".
_CODE = re.compile(rf"(?<!{_JOINED})[A-Za-z]{{1,4}}-\d{{1,5}}(?!{_JOINED})|(?<!{_JOINED})[A-Za-z]{{1,2}}\d{{1,3}}(?!{_JOINED})")

_SIZE = re.compile(
    r"(\d{1,2})\s?(?:英寸|寸|[- ]?inch\b)", re.IGNORECASE
)  # a size by which things are called: "27寸那台", "the 34 inch one"

# Words that say nothing of what a text is about. Question words are among them: a document does not repeat the question.
_STOP = """
a an and any are as at be been but by can cant could did do does doing done dont for from get gets getting give gives go going gonna got
had has have having he hello her hey hi him his how i i'd i'll i'm i've if im in into is it it's its ive just know let like lol long
make many may me mine much my need no not now of off ok okay on one or our out pls please say says she should so some tell than thank
thanks that that's the their them then there they thing things this those to too u up us use very via want wanna was we well were what
what's whats when where which while who whom whose why will with without would yes you your yours
的 了 是 在 和 与 及 或 也 都 就 而 吗 呢 吧 啊 呀 么 嘛 哦 哈 呗 啦 诶 哎 唉 我 你 您 他 她 它 我们 你们 他们 咱 咱们 这 那 这个 那个
这些 那些 这种 那种 这款 那款 这样 那样 这边 那边 这里 那里 这儿 那儿 有 没有 有没有 个 被 把 给 请 请问 问 问问 问一下 想 想要 想问 要
会 能 能不能 可以 可不可以 可否 是不是 是否 什么 啥 怎么 怎么样 怎么办 怎样 怎么弄 咋 咋办 咋样 咋整 咋弄 如何 哪 哪个 哪里 哪儿 哪些
多少 几 几个 为什么 为啥 一下 一个 一种 对 从 到 上 下 里 中 之 所 其 该 等 并 但 但是 如果 要是 还 还是 还有 很 又 才 去 来 说 看 用 做
让 跟 比 得 地 着 过 吗？ 你好 您好 谢谢 麻烦 帮 帮我 帮忙 亲 客服 时候 的话 现在 今天 刚 刚刚 已经 需要 不 没 只 都是 就是 自己 家 们
something anything everything someone somebody anyone anybody
nice great cool awesome perfect hmm hm um uh yeah yep yup nope sorry bro mate dude plz thx
之后 以后 之内 以内 之前 以前
因为 所以 然后 那么 这么 多 大概 大约 左右 一般 请教 知道 觉得 应该 真的 东西 算 以 为 于 买 够 够不够 们家 你家 咱家 家里 家的 拿 弄 搞
呀 滴 嘞 喽 呐
"""
STOP = frozenset(_STOP.split())

_BRITISH = {
    "color": "colour", "gray": "grey", "center": "centr", "catalog": "catalogu", "program": "programm", "favorit": "favourit",
    "organiz": "organis", "jewelri": "jewelleri", "aluminum": "aluminium", "mold": "mould", "liter": "litr",
    "meter": "metr",
    "mice": "mous",
}  # fmt: skip


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The Snowball stem of an English word, American spellings as British ones; other words come back as they are."""
    if not (word.isascii() and word.isalpha() and len(word) > 2):
        return word
    stemmed = str(_stemmer().stemWord(word))
    return _BRITISH.get(stemmed, stemmed)


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


def words(text: str) -> list[str]:
    """Words of a text in order, lower-cased and unstemmed, stop words among them; Chinese by rjieba's dictionary."""
    import rjieba

    found: list[str] = []
    for token in _TOKEN.findall(normalise(text).lower()):
        if _HAN.match(token):
            found.extend(rjieba.cut(token, False))
        else:
            found.append(token.replace(",", "") if token[0].isdigit() else token.removesuffix("'s"))
    return found


def pairs(text: str) -> list[str]:
    """The character pairs of a text's Chinese runs, in order."""
    return [run[i : i + 2] for run in _HAN.findall(normalise(text)) for i in range(len(run) - 1)]


def characters(text: str) -> list[str]:
    """The single Chinese characters of a text, in order, but for those that mean nothing alone: words that mean alike often share one."""
    return [character for run in _HAN.findall(normalise(text)) for character in run if character not in STOP]


def models(text: str, *, loose: bool = True) -> list[str]:
    """Names with their model number or letter, and codes, as one term each: `product·a`, `max·6`, `p-03·`.

    loose: take small letters too ("product a"), as customers write. In a document that would be every article and
    figure ("is a", "after 2").
    """
    text = normalise(text)
    found = [*(f"{code.lower()}·" for code in _CODE.findall(text)), *(f"{size}inch·" for size in _SIZE.findall(text))]
    for match in _MODEL.finditer(text):
        name, mark = match["latin"] or match["han"], match["mark"]
        if name.lower() in STOP or (not loose and match["latin"] and not (name[0].isupper() and mark[0] == mark[0].upper())):
            continue
        found.append(f"{stem(name.lower())}·{mark.lower()}")
    return found


def terms(text: str) -> list[str]:
    """What is counted of a document: stems of the words that mean something, Chinese pairs and characters, names with their models."""
    plain = [stem(word) for word in words(text) if word not in STOP and not (len(word) == 1 and _HAN.match(word))]
    return [*plain, *(pair for pair in pairs(text) if pair not in STOP), *characters(text), *models(text, loose=False)]
