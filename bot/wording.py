"""What a model is told, as a versioned thing: a system and a user template with blanks from a fixed list, and nothing that runs."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from string import Template

from bot.errors import BadPrompt
from knowledge.documents import Language

BLANKS = {
    "shop": "the shop's name",
    "today": "the date, as 2026-01-31",
    "passages": "the evidence, numbered",
    "facts": "what is known of the customer",
    "summary": "what was said earlier, in short",
    "examples": "good answers to like questions; where this is missing they are sent as earlier exchanges",
    "reasoning": "how to reason, where that is on",
    "question": "what the customer asks",
}
SYSTEM_ONLY = {"facts", "summary", "examples", "reasoning"}
LONGEST = 20_000  # characters of a template
_TONE = re.compile(r"[a-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class Wording:
    """One version of the templates for a language and a tone. version: 0 is the one in the files.

    Raises `BadPrompt` for blanks that nothing fills, and where the question or the passages have no place.
    """

    system: str
    user: str = "${question}"
    language: Language = "en"
    tone: str = "default"
    version: int = 0

    def __post_init__(self) -> None:
        if self.language not in ("en", "zh"):
            raise BadPrompt(f"a prompt's language is {self.language!r}; allowed: en, zh (other languages are served in English)")
        if not _TONE.fullmatch(self.tone):
            raise BadPrompt(f"a prompt's tone is {self.tone[:80]!r}; allowed: 1 to 32 of a-z, 0-9, - and _")
        system, user = blanks(self.system, "system"), blanks(self.user, "user")
        if "question" not in user:
            raise BadPrompt("the user template has no ${question}, so the model would never see what is asked; add it")
        if "passages" not in system | user:
            raise BadPrompt("neither template has ${passages}, so the model would have no evidence; add it to the system template")
        if misplaced := (user & SYSTEM_ONLY) | (system & {"question"}):
            raise BadPrompt(f"{_listed(misplaced)} cannot stand in that template; the question is the user's, the rest the system's")

    @property
    def id(self) -> str:
        """How answers name it: language, tone, number, and the first letters of the templates' hash."""
        digest = hashlib.sha256(f"{self.system}\0{self.user}".encode()).hexdigest()
        return f"{self.language}.{self.tone}.{self.version}@{digest[:10]}"


def blanks(template: str, name: str) -> set[str]:
    """The blanks of a template. Raises `BadPrompt` for one that is not in `BLANKS`, for a lone $ and for what a database cannot hold."""
    if not template.strip() or len(template) > LONGEST:
        raise BadPrompt(f"the {name} template has {len(template)} characters; allowed: 1 to {LONGEST}, not only blanks")
    if found := re.search("[\x00\ud800-\udfff]", template):
        raise BadPrompt(f"the {name} template holds {found[0]!r} at character {found.start()}; remove it")
    if not Template(template).is_valid():
        raise BadPrompt(f"the {name} template has a $ that begins no ${{name}}; write $$ for a dollar sign")
    names = set(Template(template).get_identifiers())
    if unknown := names - BLANKS.keys():
        raise BadPrompt(f"the {name} template has {_listed(unknown)}, which nothing fills; allowed: {_listed(BLANKS)}")
    return names


def named(shop: str, language: Language) -> str:
    """A shop's name as it stands in a sentence; one that has none is spoken of all the same."""
    return shop or ("本店" if language == "zh" else "our shop")


@lru_cache(maxsize=4)
def shipped(language: Language) -> Wording:
    """Version 0, from the files; a customer of a third language is served in English."""
    code: Language = "zh" if language == "zh" else "en"
    folder = resources.files("bot").joinpath("templates")
    system, user = (folder.joinpath(f"{name}.{code}.txt").read_text("utf-8") for name in ("system", "user"))
    return Wording(system, user, code)


def _listed(names: object) -> str:
    return ", ".join(f"${{{name}}}" for name in sorted(names))  # type: ignore[call-overload]
