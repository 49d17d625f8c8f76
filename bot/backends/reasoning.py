"""Keeps a model's thoughts from the customer: what stands between <think> and </think> is dropped from the stream."""

from collections.abc import Iterable, Iterator

from bot.errors import BadReply

OPEN, CLOSE = "<think>", "</think>"


def without_reasoning(pieces: Iterable[str], name: str) -> Iterator[str]:
    """Yield the pieces without the reasoning and without blanks before the first word, also where a tag is cut in two.

    Raises `BadReply`, naming backend `name`, at a closing tag that nothing opened: what came before it was reasoning too.
    """
    held, thinking, begun = "", False, False
    for piece in pieces:
        held += piece
        shown = ""
        while (cut := _first(held, (CLOSE,) if thinking else (OPEN, CLOSE))) is not None:
            at, tag = cut
            if not thinking:
                shown += held[:at]
                if tag == CLOSE:
                    raise BadReply(f"{name}: {CLOSE} without {OPEN} before it; start the model server with its reasoning parser on")
            thinking, held = not thinking, held[at + len(tag) :]
        keep = _started_tag(held)
        if not thinking:
            shown += held[: len(held) - keep]
        held = held[len(held) - keep :]
        shown = shown if begun else shown.lstrip()
        if shown:
            begun = True
            yield shown
    if held and not thinking:
        yield held


def _first(text: str, tags: tuple[str, ...]) -> tuple[int, str] | None:
    """Where the first of `tags` stands in `text`, and which it is."""
    return min(((text.index(tag), tag) for tag in tags if tag in text), default=None)


def _started_tag(text: str) -> int:
    """How many characters at the end of `text` may be the start of a tag."""
    longest = min(len(CLOSE) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if OPEN.startswith(text[-n:]) or CLOSE.startswith(text[-n:])), 0)
