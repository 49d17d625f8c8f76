"""What the approved pool gives to learn from and to judge by, with the prompt and the passages that a turn would have had."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ui.loopback import Emit

if TYPE_CHECKING:
    from finetune.dataset import Find, Voice
    from finetune.loop import Limits, Material
    from ui.build import App, Desk

_TOLD = 3  # passages in a row


def material_of(app: "App", emit: Emit, limits: "Limits") -> "Material":
    """Rows and cases of the pool, within `limits`. Raises `BadRows` where there are too few."""
    from bot.examples import Pool
    from finetune.archive import Archive
    from finetune.loop import gather

    pool = Pool(app.engine)
    trains, judges = (len(pool.list("approved", split=side)) for side in ("train", "eval"))
    total = min(trains, limits.rows + max(8, limits.rows // 10)) + min(judges, limits.held)
    done, find = 0, finder_of(app)

    def told(question: str, language: Any, history: Any) -> Any:
        nonlocal done
        done += 1
        emit({"progress": {"done": min(done, total), "total": total, "name": "passages"}})
        return find(question, language, history)

    return gather(pool, Archive(app.engine), voice_of(app), told, limits)


def voice_of(app: "App | Desk") -> "Voice":
    """How the shop's prompts are written."""
    from finetune.dataset import Voice

    return Voice(app.settings.shop_name, datetime.now(UTC).date(), app.settings.shop_contact)


def finder_of(app: "App") -> "Find":
    """Retrieval as a turn does it: the lines that the question leans on count too, and under the threshold nothing is told."""
    from bot.followup import leans_on
    from ui.build import rules

    threshold = rules(app.settings).threshold

    def find(question: str, language: Any, history: Any) -> Any:
        passages = app.index.find(question, _TOLD, "default", language, leans_on(question, history, app.index.topical)).passages
        return passages if passages and passages[0].score >= threshold else ()

    return find
