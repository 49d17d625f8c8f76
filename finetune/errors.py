"""What can go wrong in this package.

    FinetuneError
    ├── BadTranscripts a file that holds no conversations that can be read
    │   └── UnknownColumns a table whose columns are not known
    ├── BadConfig      a training option that is not allowed
    ├── BadRows        rows that cannot be learned from
    ├── UnknownRun     a run or an adapter that does not exist
    ├── BadAdapter     an adapter's folder is damaged, or does not belong to the base
    ├── Refused        an adapter may not be promoted: the gate says why
    ├── BaseUnusable   the base model cannot be opened or used this way
    ├── Diverged       the training broke: losses that are not numbers
    └── Stopped        somebody stopped the run; it can be resumed

Every message says what was got, what is allowed and what to do.
"""


class FinetuneError(Exception):
    """Base of all errors of this package."""


class BadTranscripts(FinetuneError):
    """A file with transcripts cannot be read as what it is."""


class UnknownColumns(BadTranscripts):
    """A table does not name its columns as we know them. header: what it has."""

    def __init__(self, message: str, header: list[str]) -> None:
        super().__init__(message)
        self.header = header


class BadConfig(FinetuneError):
    """A training option has a value that is not allowed."""


class BadRows(FinetuneError):
    """Rows that cannot be learned from."""


class UnknownRun(FinetuneError):
    """A run or an adapter was named that does not exist."""


class BadAdapter(FinetuneError):
    """An adapter's folder is damaged, or its base is another one."""


class Refused(FinetuneError):
    """An adapter may not be promoted."""


class BaseUnusable(FinetuneError):
    """The base model cannot be opened, or not used like this."""


class Diverged(FinetuneError):
    """The training broke down: its losses are not numbers any more."""


class Stopped(FinetuneError):
    """The run was stopped. What it has done is kept, and it can be resumed."""
