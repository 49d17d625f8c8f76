"""Misspelled questions put right against what the documents say: slips of the finger in English, of the sound in Chinese."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache

from knowledge.language import CJK
from knowledge.terms import STOP, stem, words

_RUN = re.compile(f"[{CJK}]+")
_LATIN = re.compile(rf"(?<![^\W{CJK}])[A-Za-z]+(?![^\W{CJK}])")  # a whole word, though it may stand between Chinese characters

_PLAIN = [word for word in STOP if word.isascii() and len(word) > 4]

Known = Callable[[str], bool]


class Speller:
    """Knows a vocabulary of terms with their frequencies.

    known: whether a Latin word is a word at all. One that is, or that the vocabulary holds, is never changed.
    """

    def __init__(self, frequency: Mapping[str, int], known: Known = lambda _: False, surface: Callable[[str], str] = str) -> None:
        """surface: the word of a stem, as it is written."""
        self._frequency = frequency
        self._known = known
        self._surface = lru_cache(maxsize=1000)(surface)

    def correct(self, text: str) -> str:
        """`text` with the words that the vocabulary does not hold in the spelling that it holds."""
        changed = {word: right for word in dict.fromkeys(words(text)) if (right := self._latin(word)) != word}
        if changed:
            text = _LATIN.sub(lambda match: changed.get(match[0].lower(), match[0]), text)
        return _RUN.sub(lambda match: self._chinese(match[0]), text)

    def _latin(self, word: str) -> str:
        """The term at most one edit away, two from seven letters on; transpositions are one edit (optimal string alignment).

        A word that means nothing ("something", "what") comes before one that means something.
        """
        if len(word) < 3 or not word.isascii() or not word.isalpha() or word in STOP:
            return word
        stemmed = stem(word)
        if stemmed in self._frequency or self._known(word):
            return word
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        plain = next((other for other in _swapped(word) if other in STOP), "")
        if not plain and (found := process.extractOne(word, _PLAIN, scorer=OSA.distance, score_cutoff=1)):
            plain = found[0]
        if plain or len(word) < 4:
            return plain or word
        near = process.extract(stemmed, self._terms, scorer=OSA.distance, score_cutoff=1 if len(word) < 7 else 2, limit=8)
        if not near:
            return word
        return self._surface(min(near, key=lambda match: (match[1], match[0][0] != stemmed[0], -self._frequency[match[0]]))[0])

    @cached_property
    def _terms(self) -> list[str]:
        return [term for term in self._frequency if term.isascii() and term.isalpha() and len(term) > 2]

    def _chinese(self, run: str) -> str:
        """Characters that make no word where they stand, but sound like one of the vocabulary: an input method offers homophones."""
        loose = _loose(run)
        spelled = list(run)
        for start in range(len(run) - 1):
            pair = run[start : start + 2]
            if not (loose[start] and loose[start + 1]) or pair in self._frequency or STOP & {pair[0], pair[1], pair}:
                continue
            if pair[0] in self._frequency and pair[1] in self._frequency:  # two words of one character, each well known
                continue
            alike: set[str] = {term for sound in _sounds(pair) for term in self._by_sound.get(sound, ()) if set(term) & set(pair)}
            if alike and spelled[start] == pair[0]:  # else the pair before it has been put right
                spelled[start : start + 2] = _commonest(alike, self._frequency)
        return "".join(spelled)

    @cached_property
    def _by_sound(self) -> Mapping[tuple[str, str], list[str]]:
        import rjieba

        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for term in self._frequency:
            if len(term) == 2 and not term.isascii() and rjieba.cut(term, False) == [term]:
                for sound in _sounds(term):
                    found[sound].append(term)
        return found


def _swapped(word: str) -> Iterator[str]:
    """The words with two neighbouring letters changed over."""
    return (f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}" for at in range(len(word) - 1))


def _commonest(terms: set[str], frequency: Mapping[str, int]) -> str:
    return max(terms, key=lambda term: (frequency[term], term))


def _loose(run: str) -> list[bool]:
    """For each character of a Chinese run, whether the dictionary leaves it standing alone."""
    import rjieba

    return [len(word) == 1 for word in rjieba.cut(run, False) for _ in word]


def _sounds(pair: str) -> set[tuple[str, str]]:
    """Every reading of two characters, without tones, and with the sounds that speakers mix up as one."""
    return {(first, second) for first in _readings(pair[0]) for second in _readings(pair[1])}


@lru_cache(maxsize=20_000)
def _readings(character: str) -> frozenset[str]:
    from pypinyin import Style, pinyin

    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    return frozenset(_blur(reading) for reading in (found[0][:2] if found else [character]))  # the rarer readings are of names


def _blur(reading: str) -> str:
    for exact, blurred in (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in")):
        reading = reading.replace(exact, blurred)
    return reading
