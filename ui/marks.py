"""Where in a reply the numbers of its sources stand: at the end of the sentence that a source says, never within it."""

from collections.abc import Iterator

from bot.checks import list_number
from bot.messages import Answer
from knowledge.chunk import sentences

_FINAL = (".", "!", "?", "。", "！", "？", "…")
_MOST = 100  # sources that there are signs for


def marks(answer: Answer) -> dict[int, int]:
    """After how many characters of the reply which source's number stands, for each cited sentence that is in it word for word."""
    ends = tuple(_ends(answer.text))
    found: dict[int, int] = {}
    for number, citation in enumerate(answer.citations[:_MOST], 1):
        start = answer.text.find(citation.quote) if citation.quote and not list_number(citation.quote) else -1
        if start < 0:
            continue
        over = start + len(citation.quote)
        end = over if citation.quote.endswith(_FINAL) else next((end for end in ends if end >= over), over)
        found.setdefault(over if end in found else end, number)
    return found


def _ends(text: str) -> Iterator[int]:
    """Where the sentences of a text end; the number of a list's item is none, so that its text follows it."""
    places = [place for place, character in enumerate(text) if not character.isspace()]  # a sentence may go over several lines
    told = 0
    for sentence in sentences(text):
        told += sum(not character.isspace() for character in sentence)
        if not list_number(sentence):
            yield places[told - 1 - (len(sentence) - len(sentence.rstrip("*_`")))] + 1  # a sign behind them would undo what they set
