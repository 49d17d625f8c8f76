"""The whole way from approved examples to a judged adapter, in steps that can each be taken alone."""

import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bot.backends.base import Backend, Options
from bot.backends.local import LocalBackend, adapted
from bot.causal import base_hash, open_tokenizer
from bot.examples import Pool
from bot.local_model import LocalModel
from bot.messages import Example
from bot.policy import Adapter
from bot.render import template_hash
from bot.shots import choose_examples, vectors_of
from finetune.adapters import Checked, check
from finetune.archive import Archive
from finetune.config import TrainConfig, config
from finetune.dataset import Case, Find, Voice, cases, general, nothing_found, refusals, row_of, training_rows
from finetune.errors import BadRows, Stopped
from finetune.evaluate import Facts, Measured, Progress, Shots, evaluate
from finetune.jobs import Jobs
from finetune.registry import Entry
from finetune.rows import Row
from finetune.splits import by_time, without_leaks
from knowledge.embed import Embedder

GENERAL = 60  # general cases, some of them unanswerable, on which forgetting is measured
REFUSED = 16  # unanswerable questions about this shop
_LOOK_S = 0.5  # between two looks at a run
_BATCH, _STEPS = 8, 120  # rows to a step; steps at least: with fewer an adapter has hardly begun to move

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the pool is used: training rows and held-out cases at most. seed: of every choice."""

    rows: int = 1200
    held: int = 120
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """train, validation: rows. choosing: the validation's cases. held: cases that nothing has seen. examples: the pool's, for shots.

    conversations: whose rows are learned from. leaks: held-out examples that were left out since the training has nearly the same.
    """

    train: tuple[Row, ...]
    validation: tuple[Row, ...]
    choosing: tuple[Case, ...]
    held: tuple[Case, ...]
    examples: tuple[Example, ...]
    conversations: tuple[str, ...]
    leaks: int

    def to_json(self) -> dict[str, Any]:
        """How much there is of each."""
        languages = sorted({row.language for row in self.train})
        return {
            "train": len(self.train),
            "validation": len(self.validation),
            "held": len(self.held),
            "conversations": len(self.conversations),
            "leaks_left_out": self.leaks,
            "languages": {name: sum(row.language == name for row in self.train) for name in languages},
        }


def gather(pool: Pool, archive: Archive, voice: Voice, find: Find = nothing_found, limits: Limits = Limits()) -> Material:
    """Rows and cases of the approved examples, each where the pool has put it. Raises `BadRows` where there are too few to begin."""
    approved = pool.list("approved", split="train")
    every = pool.list("approved", split="eval")
    if len(approved) < 2 or not every:
        raise BadRows(
            f"the pool has {len(approved)} approved examples to train on and {len(every)} to evaluate with; at least 2 and 1 are needed. "
            "Import transcripts and approve more (`answerdesk examples approve`), of several customers."
        )
    draw = random.Random(f"gather-{limits.seed}")
    held = _some(without_leaks(approved, every), limits.held, draw)
    older, newest = by_time(approved)
    older, newest = _some(older, limits.rows, draw), _some(newest, max(8, limits.rows // 10), draw)
    talks = archive.get({example.conversation for example in (*older, *newest, *held)})
    learned, watched = cases(older, talks, find), cases(newest, talks, find)
    return Material(
        tuple(training_rows(learned, voice, limits.seed)),
        tuple(row_of(case, voice) for case in watched),
        tuple(watched),
        tuple(cases(held, talks, find)),
        tuple(older),
        tuple(sorted({case.conversation for case in learned})),
        len(every) - len(without_leaks(approved, every)),
    )


def _some(given: Sequence[T], most: int, draw: random.Random) -> list[T]:
    """At most so many, drawn at random, in their order."""
    return list(given) if len(given) <= most else [given[at] for at in sorted(draw.sample(range(len(given)), most))]


def judge(
    entry: Entry,
    base: str,
    material: Material,
    voice: Voice,
    *,
    shots: Shots,
    rows: int,
    progress: Progress = lambda *_: None,
    seed: int = 0,
    options: Options | None = None,
    model: LocalModel | None = None,
    prompted: Backend | None = None,
) -> Measured:
    """Measure an adapter against the best prompt on its base. Raises `BadAdapter`, `BackendError`.

    base: the folder or hub name. rows: that the adapter learned from. model: the base where it is open already, as it was trained on.
    prompted: who is prompted in place of the bare base.
    """
    checked = fits(entry, base)
    four_bit = bool(checked.recipe.get("config", {}).get("four_bit"))
    opened = model or LocalModel(base, four_bit)
    tuned = adapted(opened, Adapter(entry.name, entry.folder, entry.sha256))
    asked = [
        *general(seed, "test", GENERAL),
        *refusals([*material.choosing, *material.held], voice, REFUSED, seed + 1),
    ]
    try:
        if prompted is None:
            opened.load()
        tuned.open()
        return evaluate(
            prompted or LocalBackend(opened),
            tuned,
            held=material.held,
            choosing=material.choosing,
            general=asked,
            shots=shots,
            facts=Facts(rows, leaks=_seen(entry, material)),
            voice=voice,
            options=options or Options(max_tokens=64),
            progress=progress,
            at_once=8,
        )
    finally:
        if model is None:
            opened.close()


def _seen(entry: Entry, material: Material) -> int:
    """Held-out cases of conversations that the adapter learned from."""
    learned = set(entry.conversations)
    return sum(case.conversation in learned for case in material.held)


def fits(entry: Entry, base: str) -> Checked:
    """The adapter's folder, checked against the base that is to serve it. Raises `BadAdapter`."""
    return check(Path(entry.folder), base_sha256=base_hash(base), template=template_hash(open_tokenizer(base)))


def config_for(base: str, method: str, rows: int, seed: int = 0, **more: Any) -> TrainConfig:
    """What a run of the loop does, unless it is told otherwise: two passes over so many rows, or more where they are few.

    The adapter is the one with the best validation loss, and a run whose loss no longer falls ends, so more passes do no harm.
    """
    epochs = math.ceil(max(2.0, _STEPS * _BATCH / max(rows, 1)) * 100) / 100  # people read it in the command that does the same
    chosen = {"epochs": epochs, "batch": _BATCH, "accumulation": 1, "max_length": 768, "evaluations": 8, "seed": seed}
    return config(base=base, method=method, **(chosen | more))


def run(jobs: Jobs, config: TrainConfig, material: Material, name: str, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """Train in a process of its own and wait for its end; a run of this name that was begun goes on. Returns its result.json.

    Raises `FinetuneError` with the reason where the run failed or was stopped.
    """
    known = {job.run for job in jobs.all()}
    job = jobs.resume(name) if name in known else jobs.start(config, material.train, material.validation, name)
    while job.state in ("running", "stopping", "interrupted"):
        time.sleep(_LOOK_S)
        if job.state == "interrupted":
            jobs.tend()
        job = jobs.get(name)
        progress(job.step, max(job.steps, 1), f"training, loss {job.loss:.3f}" if job.loss is not None else "training")
    if job.state != "done":
        raise Stopped(f"the run {name} is {job.state}{f': {job.error}' if job.error else ''}. Its log is {job.folder / 'log.txt'}.")
    result: dict[str, Any] = json.loads((job.folder / "result.json").read_text(encoding="utf-8"))
    return result


def shots_of(examples: Sequence[Example], embedder: Embedder, budget_tokens: int = 1200) -> Shots:
    """Chooses worked examples for a case as a turn would: of its language, like it, unlike each other, never of its own conversation."""
    shelf = list(examples)
    vectors = vectors_of([example.question for example in shelf], embedder) if shelf else None

    def choose(case: Case, count: int) -> Sequence[Example]:
        mine = [at for at, one in enumerate(shelf) if one.language == case.language and one.conversation != case.conversation]
        if vectors is None or not mine or count < 1:
            return ()
        question = vectors_of([case.parts.question], embedder)[0]
        some = [shelf[at] for at in mine]
        return choose_examples(question, some, vectors[mine], budget_tokens, count, size=lambda one: len(one.question + one.answer) // 3)

    return choose
