"""The administration's panel about training as HTML: what a run would take, the runs, and one of them while it learns."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.config import TrainConfig
from finetune.methods import METHODS as EVERY
from ui import pictures
from ui.chores import Chore
from ui.errors import Failure
from ui.panels import Ask, button, e, empty, moment
from ui.pieces import facts, go, row, select, table

Json = Mapping[str, Any]
METHODS = tuple(name for name in EVERY if name != "classifier")  # which learns from labelled texts, given in a file
_FIELDS = ("rows", "steps", "r", "lr", "batch", "max_length", "seed")


def form(ask: Ask, bases: Sequence[tuple[str, str]], approved: Json) -> str:
    """What to train, with which method. bases: (model, how it is called). approved: how many examples train, and how many judge."""
    words = ask.words
    head = f'<h2>{e(words["tab_training"])}</h2><p class="hint">{e(words["training_hint"])}</p>'
    if approved["train"] < 2 or approved["eval"] < 1:
        return f'<div class="page">{head}{empty(words["no_material"], words["no_material_hint"].format(**approved))}</div>'
    methods = [(name, words[f"method_{name}"]) for name in METHODS]
    first = select("run-base", "base", words["base"], bases) + select("run-method", "method", words["method"], methods)
    answers = (("", words["no"]), ("yes", words["yes"]))
    more = "".join(_number(ask, name) for name in _FIELDS[3:])
    more += select("run-checkpointing", "checkpointing", words["option_checkpointing"], answers)
    more += _text(ask, "run", words["option_name"], 64)
    return (
        f'<div class="page">{head}<form class="card" data-do="estimate_run"><h3>{e(words["new_run"])}</h3>'
        f'<p class="by">{e(words["material"].format(**approved))}</p><div class="fields">{first}</div>'
        f'<div class="fields">{"".join(_number(ask, name) for name in _FIELDS[:3])}</div>'
        f'<details id="run-more"><summary>{e(words["more_options"])}</summary><div class="fields">{more}</div></details>'
        f'<p><button type="submit" class="primary">{e(words["estimate"])}</button></p></form></div>'
    )


def _number(ask: Ask, name: str) -> str:
    return _text(ask, name, ask.words[f"option_{name}"], 12, ' inputmode="decimal"')


def _text(ask: Ask, name: str, label: str, longest: int, more: str = "") -> str:
    field = f'type="text" maxlength="{longest}" placeholder="{e(ask.words["automatic"])}"{more}'
    return f'<div><label for="run-{name}">{e(label)}</label><input id="run-{name}" name="{name}" {field}></div>'


def options_of(ask: Ask) -> dict[str, Any]:
    """The training options that a form named. Raises `Failure`, in the words of the form, for a number that is none or not allowed."""
    data = ask.data
    chosen: dict[str, Any] = {name: data[name].strip() for name in ("base", "method") if data.get(name, "").strip()}
    for name in _FIELDS[1:]:
        if text := data.get(name, "").strip():
            chosen[name] = _allowed(ask, name, text)
    return {**chosen, **({"checkpointing": True} if data.get("checkpointing") == "yes" else {})}


def _allowed(ask: Ask, name: str, text: str) -> str:
    """The text of a number that `TrainConfig` takes."""
    whole = name != "lr"
    rules: dict[str, Any] = TrainConfig.model_json_schema()["properties"][name]
    rules = next((one for one in rules.get("anyOf", ()) if one.get("type") != "null"), rules)
    low = rules["minimum"] if "minimum" in rules else rules["exclusiveMinimum"]
    high = rules["maximum"] if "maximum" in rules else rules["exclusiveMaximum"] - 1
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    if (value > low if "exclusiveMinimum" in rules else value >= low) and value <= high:
        return text
    told = ask.words["whole_number" if whole else "number_over"].format(low=low, high=high)
    raise Failure(ask.words["option_wrong"].format(name=ask.words[f"option_{name}"], value=text, told=told), 2)


def estimated(ask: Ask, chore: Chore | None) -> str:
    """What the run would take, with the command that does the same; the start."""
    words = ask.words
    if chore is None:
        return ""
    if chore.state != "done":
        return working(ask, words["estimate_of"].format(method=chore.args["options"].get("method", "")), chore)
    found = chore.result["estimate"]
    memory, free = (f"{found[name] / 2**30:.1f} GB" for name in ("memory_bytes", "available_bytes"))
    share = f"{found['trainable']:,} / {found['parameters']:,} ({found['trainable_share']:.2%})"
    material = chore.result["material"]
    told = (
        ("takes_memory", words["of_free"].format(size=memory, free=free, device=found["device"])),
        ("takes_time", words["for_steps"].format(time=duration(ask, found["seconds"]), steps=found["steps"])),
        ("takes_rows", f"{chore.result['rows']} + {chore.result['validation']} ({words['held_out'].format(n=material['held'])})"),
        ("takes_weights", share),
    )
    warning = "" if found["fits"] else f'<p class="mark bad">{e(words["does_not_fit"])}</p>'
    start = button("begin_run", words["begin_run"], "primary") + button("drop_work", words["dismiss"], key=chore.key)
    return (
        f'<article class="card" id="estimate"><h3>{e(words["estimate_of"].format(method=chore.args["options"]["method"]))}</h3>{warning}'
        f"{facts((words[key], value) for key, value in told)}{command(ask, chore.result['command'])}"
        f'<div class="acts">{start}</div></article>'
    )


def command(ask: Ask, text: str) -> str:
    """The shell command that does the same."""
    return f'<p class="by">{e(ask.words["same_command"])}</p><pre tabindex="0">{e(text)}</pre>'


def working(ask: Ask, title: str, chore: Chore) -> str:
    """A chore that is being done, or how it failed."""
    words = ask.words
    if chore.state == "failed":
        act = button("drop_work", words["dismiss"], key=chore.key)
        return (
            f'<article class="card broken"><h3>{e(title)}</h3><p class="plain">{e(chore.error)}</p><div class="acts">{act}</div></article>'
        )
    stage = words["waits_its_turn"] if chore.state == "waiting" else words["prepares"]
    if chore.total:
        stage = f"{words['stage_passages'] if chore.stage == 'passages' else chore.stage} {chore.done} / {chore.total}"
    bar = meter(title, chore.done, chore.total)
    return f'<article class="card" aria-busy="true"><h3>{e(title)}</h3>{bar}<p class="by">{e(stage)}</p></article>'


def meter(title: str, done: float, total: float) -> str:
    """How far something is; without a number before that is known."""
    number = f' value="{done:g}" max="{total:g}"' if total else ""
    return f'<progress aria-label="{e(title)}"{number}></progress>'


def runs(ask: Ask, listed: Sequence[Json]) -> str:
    """All runs, the newest first."""
    words = ask.words
    if not listed:
        return empty(words["no_runs"], words["no_runs_hint"])
    rows = ""
    for job in reversed(listed):
        loss = f"{job['validation']:.3f}" if job["validation"] is not None else "–"
        opened = go(words["open"], here=ask.place.get("run") == job["run"], tab="training", run=job["run"])
        numbers = (f'<span class="number">{job["step"]} / {job["steps"]}</span>', loss)
        rows += row((e(job["run"]), e(job["method"]), state(ask, job["state"]), *numbers, moment(job["created"]), opened))
    names = ("run", "method", "state", "step", "loss_validation", "begun", "")
    return f"<h3>{e(words['runs'])}</h3>{table(words, names, rows)}"


def state(ask: Ask, name: str) -> str:
    """A run's state as a badge."""
    return f'<span class="mark{" bad" if name in ("failed", "interrupted", "stopped") else ""}">{e(ask.words[f"run_{name}"])}</span>'


def run(ask: Ask, job: Json) -> str:
    """One run: how far it is, its losses as a picture, the end of its log, and what can be done with it."""
    words, now = ask.words, job["state"]
    acts = ""
    if now in ("running", "interrupted"):
        acts = button("stop_run", words["stop_run"], run=job["run"])
    elif now in ("stopped", "failed"):
        acts = button("resume_run", words["resume_run"], "primary", run=job["run"])
    elif now == "done":
        go = e(f'{{"tab":"adapters","adapter":"{job["run"]}"}}')
        acts = f'<button type="button" class="primary" data-go=\'{go}\'>{e(words["to_adapter"])}</button>'
    told = [
        (words["base"], Path(job["base"]).name),
        (words["step"], f"{job['step']} / {job['steps']}" if job["steps"] else words["prepares"]),
        (words["took"], duration(ask, job["seconds"])),
    ]
    if now == "running" and job["remaining_s"] is not None:
        told.append((words["remains"], duration(ask, job["remaining_s"])))
    if job["tokens_per_s"]:
        told.append((words["speed"], f"{job['tokens_per_s']:.0f}"))
    if (found := job["result"]) and "untrained_loss" in found:
        best = f"{found['untrained_loss']:.3f} → {found['best_loss']:.3f} ({words['step']} {found['best_step']})"
        told.append((words["loss_validation"], best))
    picture = pictures.losses(job["losses"], job["validations"], job["steps"], words) or empty(words["no_losses"])
    log = f'<pre class="log" tabindex="0" data-scroll="log" data-end>{e(chr(10).join(job["log"]) or words["no_log"])}</pre>'
    wrong = f'<p class="plain broken">{e(job["error"])}</p>' if job["error"] else ""
    bar = meter(job["run"], job["step"], job["steps"]) if now in ("running", "stopping") else ""
    return (
        f'<article class="card" id="run"><h3>{e(job["run"])} {state(ask, now)}</h3>{bar}{wrong}{facts(told)}'
        f'<div class="acts">{acts}</div><figure>{picture}</figure>'
        f'<details id="run-log" open><summary>{e(words["log"])}</summary>{log}</details>{command(ask, job["command"])}</article>'
    )


def duration(ask: Ask, seconds: float) -> str:
    """Seconds as people say them."""
    words = ask.words
    if seconds < 100:
        return words["seconds"].format(n=f"{seconds:.0f}")
    minutes = seconds / 60
    return words["minutes"].format(n=f"{minutes:.0f}") if minutes < 100 else words["hours"].format(n=f"{minutes / 60:.1f}")
