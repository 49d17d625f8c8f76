"""The adapters that were made, and which of them answers: one pointer in the policy, moved in one transaction, its whole history kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, select

from bot.policies import PolicyStore, Version
from bot.policy import Adapter, Canary, Policy, checked_name
from finetune.adapters import Checked, check
from finetune.errors import BadAdapter, Refused, UnknownRun
from finetune.tables import adapters
from finetune.watch import Watched, asked_first, watched

_BACK = "rollback of "  # how the reason of a rollback begins in the policy's history


@dataclass(frozen=True, slots=True)
class Entry:
    """An adapter on record. evaluation: as `finetune evaluate` printed it, None before. conversations: whose rows it learned from.

    erased: one of those was erased since.
    """

    name: str
    folder: str
    sha256: str
    base: str
    base_sha256: str
    template: str
    method: str
    recipe: dict[str, Any]
    evaluation: dict[str, Any] | None
    conversations: list[str]
    erased: bool
    created: datetime


class Registry:
    """Thread-safe; any number of processes may share one database. Promotion and rollback are one version of the policy each."""

    def __init__(self, engine: Engine, policies: PolicyStore) -> None:
        self._engine = engine
        self._policies = policies
        self._read = engine.execution_options(read_only=True).begin

    def register(self, name: str, folder: Path, conversations: Sequence[str] = (), made: datetime | None = None) -> Entry:
        """Take an adapter's folder on record; the same name again replaces what was not promoted. Raises `BadAdapter`.

        made: when, where that is known; else now.
        """
        checked_name(name, "the adapter's name")
        found = check(folder)
        row = {
            "name": name,
            "folder": str(folder.absolute()),
            "sha256": found.sha256,
            "base": str(found.recipe["base"].get("name", "")),
            "base_sha256": found.base_sha256,
            "template": str(found.recipe.get("template", "")),
            "method": str(found.recipe.get("method", "")),
            "recipe": {key: value for key, value in found.recipe.items() if key != "files"},
            "evaluation": None,
            "conversations": sorted(set(conversations)),
            "erased": False,
            "created": made or datetime.now(UTC),
        }
        active = {one.name: one.sha256 for one in self._policies.newest().adapters.values()}
        if active.get(name, found.sha256) != found.sha256:
            raise BadAdapter(f"the adapter {name!r} answers customers with other weights; register this one under another name")
        with self._engine.begin() as connection:
            connection.execute(adapters.delete().where(adapters.c.name == name))
            connection.execute(adapters.insert().values(row))
        return self.get(name)

    def get(self, name: str) -> Entry:
        """One adapter. Raises `UnknownRun`."""
        with self._read() as connection:
            row = connection.execute(select(adapters).where(adapters.c.name == name)).one_or_none()
        if row is None:
            known = ", ".join(entry.name for entry in self.entries()) or "none"
            raise UnknownRun(f"there is no adapter {name[:80]!r}; there are: {known}. `answerdesk finetune train` makes one.")
        return _entry(row)

    def entries(self) -> tuple[Entry, ...]:
        """All adapters, oldest first."""
        with self._read() as connection:
            return tuple(map(_entry, connection.execute(select(adapters).order_by(adapters.c.created, adapters.c.name))))

    def evaluated(self, name: str, evaluation: dict[str, Any]) -> Entry:
        """Keep what was measured."""
        self.get(name)
        with self._engine.begin() as connection:
            connection.execute(adapters.update().where(adapters.c.name == name).values(evaluation=evaluation))
        return self.get(name)

    def erased(self, conversations: Sequence[str]) -> list[str]:
        """Mark the adapters that learned from erased conversations; returns their names."""
        gone = set(conversations)
        marked = [entry.name for entry in self.entries() if gone & set(entry.conversations)]
        with self._engine.begin() as connection:
            connection.execute(adapters.update().where(adapters.c.name.in_(marked)).values(erased=True))
        return marked

    def promote(
        self,
        name: str,
        backend: str,
        author: str,
        *,
        override: str = "",
        share: float = 1.0,
        fits: Callable[[Entry], Checked] | None = None,
    ) -> Policy:
        """Let `backend` answer with the adapter from the next turn on; what answers is the old one or the new one at every instant.

        share: of the conversations that `backend` is asked first in; below 1 it is a canary. override: why it goes live although the
        gate is against it. fits: looks at the folder with what the serving base is; by default at the folder alone.
        Raises `UnknownRun`, `BadAdapter`, `Refused`, and what `PolicyStore.update` does.
        """
        entry = self.get(name)
        before = self._policies.newest()
        if share < 1 and before.default == backend:
            raise Refused(
                f"{backend} is asked first in all conversations, so it cannot be a canary; set up another local backend on the same base "
                f"(answerdesk backends add NAME --kind local --model ...), which shares the model in memory, and give --backend NAME"
            )
        self.verified(entry, fits)
        against = objection(entry)
        if against and not override.strip():
            raise Refused(f"{name} is not promoted: {against}. Improve it, or give --override WHY, which is kept in the history.")
        pointer = Adapter(name, entry.folder, entry.sha256)
        why = f"promotion of {name}" + (f" although {against}: {override.strip()}" if against else "")
        return self._policies.update(lambda policy: promoted(policy, backend, pointer, share), author, why[:1000], before.version)

    def widen(self, backend: str, adapter: Adapter, share: float, author: str, why: str) -> Policy:
        """Have `backend`, which answers with `adapter`, asked first in a larger share of the conversations. Raises as `rollback` does."""
        before = self._policies.newest()
        if before.adapters.get(backend) != adapter or not 0 < asked_first(before, backend) < share:
            raise Refused(
                f"{adapter.name} is no canary on {backend} with less than {share:.0%} of the conversations: it was changed meanwhile"
            )
        said = f"{adapter.name} is asked first in {share:.0%} of the conversations: {why}"
        return self._policies.update(lambda policy: promoted(policy, backend, adapter, share), author, said[:1000], before.version)

    def verified(self, entry: Entry, fits: Callable[[Entry], Checked] | None = None) -> Checked:
        """The adapter's folder, whole and with the weights that were registered. Raises `BadAdapter`."""
        found = fits(entry) if fits else check(Path(entry.folder))
        if found.sha256 != entry.sha256:
            raise BadAdapter(f"the weights of {entry.name} are not those that were registered; register them anew and evaluate them")
        return found

    def rollback(self, backend: str, author: str, why: str = "asked for", only: str | None = None) -> Policy:
        """Undo the last promotion on `backend` that stands: the adapter, and who answers first, are as they were before it.

        only: the adapter that it has to be of. Raises `Refused` when nothing, or another one, was promoted there, and `PolicyChanged`.
        """
        history = self._policies.history()[::-1]
        found = undo(history, backend)
        if found is None:
            raise Refused(f"there is nothing to roll back on {backend}: no adapter of it was promoted")
        name, old = found
        if only not in (None, name):
            raise Refused(f"{backend} answers with {name} by now, not with {only}: it was changed meanwhile")
        newest = history[-1].policy
        kept = {key: value for key, value in newest.adapters.items() if key != backend}
        adapter = old.adapters.get(backend)
        made = replace(newest, adapters=kept | ({backend: adapter} if adapter else {}), default=old.default, canary=old.canary)
        return self._policies.update(lambda _: made, author, f"{_BACK}{name}: {why}"[:1000], newest.version)

    def watched(self) -> tuple[Watched, ...]:
        """The adapters that customers are answered with now."""
        return watched(self._policies.history()[::-1])

    def history(self, backend: str | None = None) -> list[dict[str, Any]]:
        """What was promoted and rolled back, newest first; a greater share of an adapter that answers already is a promotion too."""
        changes, last = [], Policy()
        for version in self._policies.history()[::-1]:
            for name in sorted({*last.adapters, *version.policy.adapters}):
                then, now = last.adapters.get(name), version.policy.adapters.get(name)
                share = share_of(version.policy, name) if now else 0.0
                if backend in (None, name) and (now != then or (now and share != share_of(last, name))):
                    made = {"adapter": now.name if now else None, "sha256": now.sha256 if now else None, "share": share}
                    at = version.at.isoformat(timespec="seconds")
                    changes.append({"backend": name, **made, "author": version.author, "why": version.why, "at": at})
            last = version.policy
        return changes[::-1]


def share_of(policy: Policy, backend: str) -> float:
    """In which share of the conversations, 0..1, a backend is asked first, routes left aside."""
    canary = policy.canary.share if policy.canary else 0.0
    if policy.canary and policy.canary.backend == backend:
        return canary
    return 1.0 - canary if policy.default == backend else 0.0


def objection(entry: Entry) -> str:
    """Why an adapter should not answer customers; empty when nothing speaks against it."""
    if entry.erased:
        return "it learned from a conversation that has been erased since; train it anew without it"
    if entry.evaluation is None:
        return "it was never evaluated; `answerdesk finetune evaluate` does it"
    return "" if entry.evaluation.get("gate") == "pass" else str(entry.evaluation.get("why") or "its gate did not pass")


def promoted(policy: Policy, backend: str, adapter: Adapter, share: float) -> Policy:
    """The policy with the adapter in place, and `backend` asked first in a share, 0..1, of the conversations."""
    pointed = replace(policy, adapters={**policy.adapters, backend: adapter})
    if share >= 1:
        canary = policy.canary if policy.canary and policy.canary.backend != backend else None
        return replace(pointed, default=backend, canary=canary)
    return replace(pointed, canary=Canary(backend, share)) if policy.default != backend else pointed


def undo(history: Sequence[Version], backend: str) -> tuple[str, Policy] | None:
    """The promotion on `backend` that stands, and the policy before it. history: oldest first.

    A promotion is put on a pile, a rollback takes one off.
    """
    pile: list[tuple[str, Policy]] = []
    last = Policy()
    for version in history:
        policy = version.policy
        now = policy.adapters.get(backend)
        if version.why.startswith(_BACK) and pile and now != last.adapters.get(backend):
            pile.pop()
        elif now is not None and now != last.adapters.get(backend):
            pile.append((now.name, last))
        last = policy
    return pile[-1] if pile else None


def _entry(row: Row[Any]) -> Entry:
    return Entry(**{name: getattr(row, name) for name in Entry.__dataclass_fields__})
