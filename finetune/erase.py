"""A customer gone from what was trained with: adapters are marked, and their rows leave the runs' folders."""

import json
from collections.abc import Collection
from html import escape
from pathlib import Path

from sqlalchemy import Engine, select

from bot.examples import Pool
from bot.policies import PolicyStore
from finetune.archive import Archive
from finetune.errors import BadRows
from finetune.jobs import Jobs
from finetune.registry import Registry
from finetune.rows import read_rows, write_rows
from finetune.tables import transcripts
from finetune.transcripts import customer_key


def names_of(customer: str) -> tuple[str, ...]:
    """What a customer is called here: by the shop, and in transcripts."""
    return tuple(dict.fromkeys((customer, customer_key(customer))))


def learned_as(engine: Engine, customer: str, conversations: Collection[str]) -> set[str]:
    """Every name under which a training row of this customer may go: conversations, transcripts, and examples of neither.

    Only as long as these are still there, so it is asked before they are erased.
    """
    names, found = names_of(customer), set(conversations)
    with engine.execution_options(read_only=True).begin() as connection:
        found |= set(connection.scalars(select(transcripts.c.id).where(transcripts.c.customer.in_(names))))
    for name in names:
        found |= {example.conversation or example.id for example in Pool(engine).of_customer(name, sorted(found))}
    return found


def mark_adapters(engine: Engine, customer: str, conversations: Collection[str]) -> int:
    """Mark the adapters that learned from a customer: they are not promoted any more. Returns how many those are."""
    return len(Registry(engine, PolicyStore(engine)).erased(sorted(learned_as(engine, customer, conversations))))


def erase_rows(engine: Engine, runs: Path, customer: str, conversations: Collection[str]) -> int:
    """Take a customer's rows out of the folders of runs, and reports that quote them; returns how many rows and reports those were.

    A run that is still learning from them is told to stop: resumed, it begins anew, without them.
    """
    gone = learned_as(engine, customer, conversations)
    questions = {example.question for name in names_of(customer) for example in Pool(engine).of_customer(name, sorted(gone))}
    count = 0
    for folder in sorted(path.parent for path in runs.glob("*/job.json")):
        taken = sum(_without(folder / name, gone) for name in ("rows.jsonl", "validation.jsonl"))
        if taken and not (folder / "result.json").exists():
            Jobs(runs).stop(folder.name)
        count += taken + sum(_quotes(path, questions) for path in sorted(folder.glob("evaluation.*")))
    return count


def erase_transcripts(engine: Engine, customer: str, conversations: Collection[str]) -> int:
    """Delete a customer's transcripts, and the examples that are kept under the transcripts' name for the customer."""
    names = names_of(customer)
    gone = [Archive(engine).erase_customer(name, conversations) for name in names]
    return sum(map(len, gone)) + sum(Pool(engine).erase_customer(name) for name in names[1:])


def _without(path: Path, gone: Collection[str]) -> int:
    """Write a file of rows anew without some conversations; returns how many rows that took."""
    try:
        rows = read_rows(path)
    except BadRows:  # a classifier's, which have no conversation; or no file
        return 0
    kept = [row for row in rows if row.conversation not in gone]
    if len(kept) < len(rows):
        beside = path.with_name(f"{path.name}.new")
        write_rows(kept, beside)
        beside.replace(path)
    return len(rows) - len(kept)


def _quotes(path: Path, questions: Collection[str]) -> int:
    """Delete a report that has one of these questions in it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = any(written in text for question in questions for written in (question, escape(question), json.dumps(question)[1:-1]))
    if found:
        path.unlink()
    return int(found)
