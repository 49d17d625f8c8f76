"""What every format's parser returns."""

from dataclasses import dataclass

from knowledge.documents import Section


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file says. `title` is empty where it names none; `id` is set where the file holds many documents and this is one."""

    title: str
    sections: tuple[Section, ...]
    id: str = ""
