"""The gate's campaign: adapters that are bad in known ways and good ones, each trained, measured, and promoted where the gate lets it.

    python benchmarks/gate.py OUT                                # 20 bad ones and 20 good ones, hours on a CPU
    python benchmarks/gate.py OUT --bad 8 --good 4 --steps 60    # one bad one a kind, minutes

All rows are generated here, in English and Chinese; the base is the starter model. What is done already in OUT is not done again.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gate_trials import VOICE, Trial, trials
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from bot.backends.base import Backend, Options
from bot.backends.local import LocalBackend
from bot.errors import BackendError
from bot.local_model import LocalModel
from bot.messages import Example, Prompt
from bot.policies import PolicyStore
from bot.tables import metadata as bot_tables
from finetune.dataset import row_of
from finetune.errors import BadAdapter, Refused
from finetune.evaluate import report
from finetune.loop import Material, config_for, fits, judge, shots_of
from finetune.registry import Registry
from finetune.starter import starter
from finetune.tables import metadata
from finetune.train import Progress, train
from knowledge.embed import HashEmbedder

METHODS = ("lora", "rslora")


class Remembered:
    """A backend asked only once for each prompt: the base says the same to every trial. The first reply's time counts for all."""

    def __init__(self, backend: Backend) -> None:
        self.name, self.kind, self.adapter = backend.name, backend.kind, backend.adapter
        self._backend = backend
        self._known: dict[object, list[str]] = {}

    @property
    def window(self) -> int:
        return self._backend.window

    def stream(self, prompt: Prompt, options: Options) -> Iterator[str]:
        key = (prompt.messages, options.max_tokens)
        if key not in self._known:
            self._known[key] = list(self._backend.stream(prompt, options))
        yield from self._known[key]

    def count(self, text: str) -> int:
        return self._backend.count(text)


class Campaign:
    """Trains, judges and promotes, with everything in one folder."""

    def __init__(self, out: Path, steps: int) -> None:
        self.out, self.steps = out, steps
        out.mkdir(parents=True, exist_ok=True)
        self.base = str(starter(out))
        self.other = out / "models" / "other"
        self.model = LocalModel(self.base, patience_s=600)
        self.prompted = Remembered(LocalBackend(self.model))
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        for tables in (bot_tables, metadata):
            tables.create_all(engine)
        self.registry = Registry(engine, PolicyStore(engine))

    def trained(self, trial: Trial) -> Path:
        """The adapter's folder. One without rows is a good one's weights, spoiled."""
        folder = self.out / trial.name
        if not trial.rows:
            donor = sorted(self.out.glob("good-*/adapter"))[trial.number % len(list(self.out.glob("good-*/adapter")))]
            shutil.rmtree(folder / "adapter", ignore_errors=True)
            shutil.copytree(donor, folder / "adapter")
        else:
            base = self._other() if trial.other_base else self.base
            steps = max(8, self.steps // 4) if trial.other_base else self.steps
            method = METHODS[trial.number % len(METHODS)]
            config = config_for(base, method, len(trial.rows), trial.number, steps=steps, batch=4, evaluations=4)
            train(config, trial.rows, [row_of(case, VOICE) for case in trial.cases.watched], folder, self._tell)
        if trial.spoil:
            trial.spoil(folder / "adapter")
        return folder / "adapter"

    @staticmethod
    def _tell(progress: Progress) -> None:
        if progress.validation is not None:
            print(f"      step {progress.step} of {progress.steps}: validation loss {progress.validation:.2f}", file=sys.stderr, flush=True)

    def _other(self) -> str:
        """The starter with one layer's weights a little different: other weights of the same shape."""
        if not self.other.exists():
            from safetensors.torch import load_file, save_file

            shutil.copytree(self.base, self.other)
            tensors = load_file(self.other / "model.safetensors")
            name = next(name for name in tensors if name.endswith("mlp.down_proj.weight"))
            tensors[name] *= 1.01
            save_file(tensors, self.other / "model.safetensors", {"format": "pt"})
        return str(self.other)

    def told(self, trial: Trial) -> dict[str, Any]:
        """What became of a trial; kept in its folder."""
        file = self.out / trial.name / "told.json"
        if not file.exists():
            began = time.process_time()
            found = {"name": trial.name, "kind": trial.kind, "good": trial.good, **self._judged(trial, self.trained(trial))}
            file.write_text(
                json.dumps({**found, "cpu_seconds": round(time.process_time() - began, 1)}, ensure_ascii=False), encoding="utf-8"
            )
        return dict(json.loads(file.read_text(encoding="utf-8")))

    def _judged(self, trial: Trial, folder: Path) -> dict[str, Any]:
        """Whether it was promoted, and why not: whichever part of the product stops it."""
        cases = trial.cases
        shelf = tuple(
            Example(case.id, case.parts.question, case.expected, case.language, conversation=case.conversation) for case in cases.learned
        )
        material = Material(trial.rows, (), cases.watched, cases.held, shelf, (), 0)
        try:
            entry = self.registry.register(trial.name, folder)
            rows = int(entry.recipe["data"]["rows"])
            shots = shots_of(shelf, HashEmbedder())
            measured = judge(entry, self.base, material, VOICE, shots=shots, rows=rows, model=self.model, prompted=self.prompted)
        except (BadAdapter, BackendError) as error:
            return {"promoted": False, "why": str(error)}
        figures = report(measured)
        for label in self.model.labels():
            self.model.drop_adapter(label)
        self.registry.evaluated(trial.name, figures)
        try:
            self.registry.promote(trial.name, "local", "campaign", fits=lambda entry: fits(entry, self.base))
        except (BadAdapter, Refused):
            return {"promoted": False, "why": figures["why"], "figures": figures}
        self.registry.rollback("local", "campaign")
        return {"promoted": True, "why": figures["why"], "figures": figures}


def main() -> None:
    """Run the campaign and print what became of each, then the errors."""
    parser = argparse.ArgumentParser(description="Bad and good adapters before the gate.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--bad", type=int, default=20)
    parser.add_argument("--good", type=int, default=20)
    parser.add_argument("--steps", type=int, default=200, help="of training")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    campaign = Campaign(args.out, args.steps)
    results = []
    for trial in trials(args.bad, args.good, args.seed):
        found = campaign.told(trial)
        results.append(found)
        word = "promoted" if found["promoted"] else "stopped"
        print(
            f"{'ok   ' if found['promoted'] == found['good'] else 'ERROR'} {found['name']} ({found['kind']}): {word}: {found['why'][:160]}",
            flush=True,
        )
    wrong = [found for found in results if found["promoted"] != found["good"]]
    passed, stopped = (sum(found["good"] == good and found not in wrong for found in results) for good in (True, False))
    print(f"{stopped} of {args.bad} bad ones stopped, {passed} of {args.good} good ones promoted; {len(wrong)} errors")


if __name__ == "__main__":
    main()
