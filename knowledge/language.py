"""Which language a text is in, by its script. Short customer messages are too short for statistics; their script is not."""

import re
import unicodedata

from knowledge.documents import Language

CJK = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_HAN = re.compile(f"[{CJK}]")
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_WORD = re.compile(r"(?<![\w-])[^\W\d_]{2,}(?:'[a-z]+)?(?![\w]|-\d)|(?<![\w-])[aI](?![\w-])")  # not the letters of a code such as H-104
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
# The commonest words of English that are not also common in other Latin-script languages: one of them in a message settles it.
_ENGLISH_WORDS = """
the is are was were you your my it its what how when where which who why can could do does did will would should have has i i'm this
that these those and for with not of to if there they we be get need want please thanks thank hello hi order price much many any
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_FOREIGN_WORDS = """
el la los las es est une des les der die das und ist nicht wie que qué como cómo cuánto cuesta puedo por para mi per il lo gli è che non
di da del della où quand pour avec je vous mon ma ich sie mein wo wann kann de het een een van não você meu
"""
_FOREIGN = frozenset(_FOREIGN_WORDS.split())


def normalise(text: str) -> str:
    """Compatibility-composed (full-width letters and digits become plain ones), single spaces, no control characters."""
    text = unicodedata.normalize("NFKC", text)
    if text.isprintable():
        return text
    # Long texts hold few characters that differ, so each of those is looked at once.
    control = {c for c in set(text) if not c.isprintable() and c not in "\n\t" and unicodedata.category(c)[0] == "C"}
    return text.translate(dict.fromkeys(map(ord, control), " ")) if control else text


def detect(text: str) -> Language | None:
    """Language of `text`: `zh`, `en`, `other`, or None when it holds no word ("123", "?", "E-07").

    A Chinese character weighs as much as a word of another script, so "Product A 多少钱" is Chinese. Two languages at once are the one
    with the more words.
    """
    han = len(_HAN.findall(text))
    if len(_KANA_HANGUL.findall(text)) > han / 4 and _KANA_HANGUL.search(text):
        return "other"
    words = [word.lower() for word in _WORD.findall(re.sub(f"[{CJK}]", " ", text))]
    if han and han / 1.5 >= len(words) / 2:
        return "zh"
    if not words:
        return None
    latin = len(_LATIN.findall(text))
    if latin < len(_LETTER.findall(text)) / 2:
        return "other"
    english = sum(word in _ENGLISH for word in words)
    foreign = sum(word in _FOREIGN for word in words)
    return "other" if foreign > english and foreign >= 2 else "en"
