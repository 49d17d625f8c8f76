"""What the faces say when something goes wrong: one message and whose mistake it was."""

from bot.errors import BadCanned, BadExample, BadMessage, BadPrompt, BotError, UnknownBackend, UnknownConversation
from finetune.errors import BadConfig, BadRows, BadTranscripts, FinetuneError, UnknownRun
from knowledge.errors import BadCollection, KnowledgeError
from ui.owner import Owned
from ui.settings import SettingsError


class Failure(Exception):
    """A command or request that cannot be done. code: 1 the work failed, 2 the request was wrong (the shell's exit codes)."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


_WRONG = (
    BadCanned,
    BadCollection,
    BadConfig,
    BadExample,
    BadMessage,
    BadPrompt,
    BadRows,
    BadTranscripts,
    SettingsError,
    UnknownBackend,
    UnknownConversation,
    UnknownRun,
)
"""What the request was wrong about."""


def failure(error: BaseException) -> Failure:
    """`error` in words for people. Anything unforeseen keeps its type in the message, never its stack."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, _WRONG):
        return Failure(str(error), 2)
    if isinstance(error, KnowledgeError | BotError | FinetuneError | Owned) or hasattr(error, "remedy"):  # the database's, heavy to import
        return Failure(str(error))
    if isinstance(error, PermissionError):
        what = error.filename or "A file"
        return Failure(f"{what} may not be opened: {error.strerror}. Correct its permissions, or use another --data-dir.")
    if isinstance(error, OSError):
        return Failure(f"{error.filename or 'The system'}: {error.strerror or error}. Check the path, the disk's free space and try again.")
    remedy = "Run it again with --debug to see where; `answerdesk doctor` may find the cause."
    return Failure(f"Unexpected {type(error).__name__}: {error}. {remedy}")
