"""What `answerdesk transcripts` does."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui.loopback import Emit

_SHOWN = 12  # examples of a file that is only looked at
if TYPE_CHECKING:
    from ui.build import App, Desk


def import_transcripts(
    app: "App | Desk",
    emit: Emit,
    *,
    path: str,
    columns: dict[str, str],
    author: str,
    dry_run: bool = False,
    mask_orders: bool = False,
    approve: bool = False,
) -> dict[str, Any]:
    """Read a transcript file, clean it, and propose what is worth learning to the pool.

    dry_run: only say what would be done, with some of the examples. approve: use them at once, without a lead's approval.
    """
    from bot.examples import Pool
    from bot.redact import PSEUDONYM
    from finetune.archive import Archive
    from finetune.load import load
    from finetune.transcripts import keep, prepare, report

    loaded = load(Path(path), columns)
    prepared = prepare(
        loaded,
        source=Path(path).name,
        shop=filter(None, (app.settings.shop_name,)),
        orders="mask" if mask_orders else "keep",
        progress=progress(emit),
    )
    if dry_run:
        personal_first = sorted(prepared.examples, key=lambda one: PSEUDONYM.search(one.question + one.answer) is None)
        some = [{"question": one.question, "answer": one.answer, "language": one.language} for one in personal_first[:_SHOWN]]
        return {**report(loaded, prepared), "preview": some}
    return report(loaded, prepared, keep(prepared, Pool(app.engine), Archive(app.engine), author, approve=approve))


def progress(emit: Emit) -> Callable[[int, int, str], None]:
    """Shows how far a stage is."""
    return lambda done, total, name: emit({"progress": {"done": done, "total": total, "name": name}})


DESK_OPERATIONS = {operation.__name__: operation for operation in (import_transcripts,)}
