"""Conversations as they come out of a file, before anything is done to them."""

from dataclasses import dataclass, field

from bot.messages import Message


@dataclass(frozen=True, slots=True)
class Conversation:
    """customer: an opaque id, empty where the file has none. at: when it began, ISO 8601, or empty. status: the help desk's own word.

    row: where it stands in its file, from 1.
    """

    id: str
    turns: tuple[Message, ...]
    customer: str = ""
    at: str = ""
    status: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """A row, from 1, that could not be taken, and why."""

    row: int
    error: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file held. format: as it was recognised. columns: what each of our fields was read from, for a table."""

    conversations: tuple[Conversation, ...]
    problems: tuple[Problem, ...] = ()
    format: str = "jsonl"
    columns: dict[str, str] = field(default_factory=dict)


class BadRow(ValueError):
    """One row cannot be taken; the rest of the file goes on."""
