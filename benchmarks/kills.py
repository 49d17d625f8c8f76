"""`kill -9` at random moments of training, evaluation, promotion and rollback, while another thread watches who answers.

    python benchmarks/kills.py OUT [--kills 50] [--seed 0]

All of it is the shell's own commands, in OUT/data, on the starter model and on conversations that are generated here. A command that was
killed is given again, word for word, and so is the process that trains, until the work is done. Whoever answers customers is read from
the database all the while: at every look it must be an adapter that was promoted, with its weights on the disk as they were registered.
"""

import argparse
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gate_trials import orders

from bot.policies import PolicyStore
from bot.policy import Adapter
from finetune.dataset import Case
from ui.database import open_engine

ROOT = Path(__file__).parents[1]
SPAN_S = {"loop": 150.0, "promote": 15.0, "rollback": 15.0}  # within which a command is killed, if it lives so long


@dataclass
class Watch:
    """What was seen of the pointer. looks: how often it was read. wrong: what should not be. seen: adapters, by how many looks."""

    looks: int = 0
    wrong: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)


@contextmanager
def watching(data: Path) -> Iterator[Watch]:
    """Read who answers, every few milliseconds, until the end of the block."""
    watch, over = Watch(), threading.Event()

    def look() -> None:
        policies, last = PolicyStore(open_engine(data)), ""
        while not over.wait(0.005):
            active = policies.newest().adapters
            watch.looks += 1
            named = ",".join(f"{backend}={one.name}" for backend, one in active.items())
            watch.seen[named] += 1
            if len(active) != 1:
                watch.wrong.append(f"{len(active)} adapters answer: {named}")
            elif named != last:
                (one,) = active.values()
                watch.wrong += _broken(one)
            last = named

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()


def _broken(adapter: Adapter) -> list[str]:
    weights = Path(adapter.folder) / "adapter_model.safetensors"
    if not weights.is_file():
        return [f"{adapter.name} answers, and {weights} is not there"]
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    return [] if found == adapter.sha256 else [f"{adapter.name} answers with other weights: {found[:8]} for {adapter.sha256[:8]}"]


def talks(file: Path) -> Path:
    """Conversations about orders, half in each language, as a transcript."""
    cases = orders(0)
    lines = []
    every = (*cases.learned, *cases.watched, *cases.held)
    for number, (talk, turns) in enumerate(itertools.groupby(every, key=lambda case: case.conversation)):
        said = [{"role": role, "text": text} for case in turns for role, text in _exchange(case)]
        at = f"2026-01-{1 + number // 4:02}T09:00:00Z"
        lines.append(json.dumps({"id": talk, "customer": f"customer-{talk}", "at": at, "turns": said}, ensure_ascii=False))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _exchange(case: Case) -> tuple[tuple[str, str], ...]:
    return ("customer", case.parts.question), ("agent", case.expected)


def begun(data: Path, *args: str) -> subprocess.Popen[bytes]:
    """A command, in a session of its own."""
    command = [sys.executable, "-m", "ui.cli", "finetune", *args, "--data-dir", str(data), "--json"]
    with (data.parent / "commands.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def whole(data: Path, *args: str) -> int:
    """A command that nobody kills; its exit code."""
    return begun(data, *args).wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command as a machine that loses its power does."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_training(data: Path, run: str) -> bool:
    """Kill the process that trains, where there is one."""
    try:
        number = int((data / "runs" / run / "lock").read_text(encoding="ascii"))
        if str(data / "runs" / run).encode() not in Path(f"/proc/{number}/cmdline").read_bytes():
            return False  # it has ended, and another process has its number
        os.kill(number, signal.SIGKILL)
    except (OSError, ValueError):
        return False
    return True


def stage(data: Path, run: str) -> str:
    """How far the loop is: what a kill cuts off."""
    folder = data / "runs" / run
    if not folder.exists():
        return "before training"
    return "evaluation" if (folder / "result.json").exists() else "training"


def answers(data: Path) -> str:
    """The adapter that answers customers."""
    return ",".join(one.name for one in PolicyStore(open_engine(data)).newest().adapters.values())


def killed(data: Path, chance: random.Random, kills: Counter[str], most: int, *args: str, run: str = "") -> int:
    """Give the command again and again, and kill it up to `most` times; the exit code of the one that was let be.

    A rollback that was cut off after it took effect is not given again: it would undo the promotion before.
    """
    done, before = 0, answers(data)
    while True:
        if done and args[0] == "rollback" and answers(data) != before:
            return 0
        process = begun(data, *args)
        if done < most:
            try:
                return process.wait(chance.uniform(0.2, SPAN_S[args[0]]))
            except subprocess.TimeoutExpired:
                kills[stage(data, run) if run else args[0]] += 1
            trains = run and chance.random() < 0.7 and kill_training(data, run)
            kill(process)
            done += 1
            print(f"{sum(kills.values())}: {args[0]} {'with its training' if trains else ''} {dict(kills)}", file=sys.stderr, flush=True)
        else:
            return process.wait()


def main() -> None:
    """Kill, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    data = given.out.absolute() / "data"
    data.mkdir(parents=True, exist_ok=True)
    chance, kills, began = random.Random(given.seed), Counter[str](), time.monotonic()
    file = talks(given.out.absolute() / "talks.jsonl")
    loop = ("loop", str(file), "--base", "starter", "--approve-all", "--rows", "60", "--run")
    force = ("--override", "a trial")
    if code := whole(data, *loop, "first"):
        sys.exit(f"the loop ended with {code}; {given.out}/commands.log says why")
    whole(data, "promote", "first", *force)
    failed = []
    with watching(data) as watch:
        for number in itertools.count(1):
            name, left = f"run{number}", given.kills - sum(kills.values())
            failed += [loop] if killed(data, chance, kills, max(1, left // 4), *loop, name, run=name) else []
            for _ in range(2):
                failed += ["promote"] if killed(data, chance, kills, max(1, left // 8), "promote", name, *force) else []
                failed += ["rollback"] if killed(data, chance, kills, max(1, left // 8), "rollback") else []
            if sum(kills.values()) >= given.kills:
                break
    minutes = (time.monotonic() - began) / 60
    print(f"{sum(kills.values())} kills in {minutes:.0f} minutes: {', '.join(f'{count} in {what}' for what, count in kills.items())}")
    print(f"work that did not come to its end: {failed or 'none'}")
    print(f"looks at who answers: {watch.looks}, wrong: {watch.wrong[:5] or 'none'}; seen: {dict(watch.seen)}")


if __name__ == "__main__":
    main()
