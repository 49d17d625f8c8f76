"""The administration's panels about tuning: training, adapters, the advice; and the settings. What takes long is a chore of the server."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ui import condition, operations_backends, operations_settings, operations_training, operations_tuning, runs, verdicts
from ui.chores import Chores
from ui.errors import Failure, failure
from ui.operations import OPERATIONS
from ui.operations_training import STARTER
from ui.panels import Ask, action
from ui.roles import user_of

if TYPE_CHECKING:
    from ui.build import App

TABS = ("training", "adapters", "advice", "settings")
ACTIONS = (
    "estimate_run", "begin_run", "stop_run", "resume_run", "drop_work",
    "evaluate", "check_adapter", "promote", "roll_back", "add_local", "ask_advice",
)  # fmt: skip
CHORES = "chores"  # within the data folder: what the server does beside the pages
_ESTIMATE, _BEGIN = "estimate", "begin"


class TuningPanels:
    """What admins do with adapters. Every change goes through the function that the shell command calls too."""

    name = "admin"

    def __init__(self, app: "App") -> None:
        self._app = app
        self._chores = Chores(app.settings.data_dir / CHORES, lambda name, emit, args: OPERATIONS[name](app, emit, **args))
        self._chores.resume()

    def tuning(self, ask: Ask, tab: str) -> dict[str, str | None]:
        """The regions of one of `TABS`; None leaves one as it stands."""
        if tab == "training":
            return self._training(ask)
        if tab == "adapters":
            return self._adapters(ask)
        if tab == "advice":
            facts = [name for name in verdicts.FACTS if name in ask.place.get("facts", "").split(",")]
            return {"main": verdicts.advice(ask, self._do(operations_tuning.advise_tuning, **dict.fromkeys(facts, True)))}
        looked = None if ask.quiet else condition.faults(ask, self._do(operations_settings.find_faults))
        listed = self._do(operations_settings.show_settings)["settings"]
        return {"main": looked, "foot": condition.settings(ask, listed)}

    def _training(self, ask: Ask) -> dict[str, str | None]:
        begun = self._chores.get(_BEGIN)
        if begun and begun.state == "done":
            ask.place["run"] = begun.result["run"]
            for key in (_BEGIN, _ESTIMATE):
                self._chores.drop(key)
            begun = None
        listed = self._do(operations_training.list_runs)["runs"]
        shown = ""
        if (run := ask.place.get("run", "")) in {job["run"] for job in listed}:
            shown = runs.run(ask, self._do(operations_training.show_run, run=run))
        doing = runs.working(ask, ask.words["begins"], begun) if begun else runs.estimated(ask, self._chores.get(_ESTIMATE))
        advised = self._do(operations_tuning.advise_tuning)
        approved = {"train": advised["rows"], "eval": advised["held"]}
        foot = f'<div class="page">{doing}{shown}{runs.runs(ask, listed)}</div>'
        return {"main": runs.form(ask, self._bases(), approved), "foot": foot}

    def _adapters(self, ask: Ask) -> dict[str, str | None]:
        found = self._do(operations_tuning.list_adapters)
        known = {one["name"] for one in found["adapters"]}
        ready = [job for job in self._do(operations_training.list_runs)["runs"] if job["state"] == "done" and job["method"] in runs.METHODS]
        waiting = [job for job in ready if job["run"] not in known]
        shown, name = "", ask.place.get("adapter", "")
        if name in known | {job["run"] for job in waiting}:
            one = self._do(operations_tuning.show_adapter, name=name)
            local = [each for each in self._local() if self._same(each["config"].get("model", ""), one["base"])]
            shown = verdicts.adapter(ask, one, self._chores.get(f"evaluate.{name}"), local)
        foot = f'<div class="page">{shown}{verdicts.history(ask, found["history"])}</div>'
        return {"main": verdicts.adapters(ask, found["adapters"], waiting), "foot": foot}

    def _local(self) -> list[dict[str, Any]]:
        listed = self._do(operations_backends.list_backends)["backends"]
        return [backend for backend in listed if backend["kind"] == "local"]

    def _bases(self) -> list[tuple[str, str]]:
        models = {backend["config"]["model"]: backend["name"] for backend in self._local()}
        named = [(model, f"{Path(model).name} ({name})") for model, name in models.items()]
        return named if STARTER in models else [*named, (STARTER, STARTER)]

    def _same(self, model: str, base: str) -> bool:
        """Whether a backend's model is the base that a run wrote down, which has `starter` by its folder."""
        return base in (model, str(Path(model).absolute())) or (model == STARTER and self._model(base) == STARTER)

    def _model(self, base: str) -> str:
        folder = Path(base)
        ours = folder.parent == self._app.settings.data_dir.absolute() / "models" and folder.name.startswith(f"{STARTER}-")
        return STARTER if ours else base

    @action("admin")
    def estimate_run(self, ask: Ask) -> None:
        """Say what a run would take, before it begins."""
        options = runs.options_of(ask)
        if options.get("base") not in {model for model, _ in self._bases()} or options.get("method") not in runs.METHODS:
            raise Failure(ask.words["no_such_base"], 2)
        rows = ask.data.get("rows", "").strip()
        if rows and not rows.isdecimal():
            raise Failure(ask.words["rows_are_a_number"], 2)
        args = {"options": options, "rows": int(rows) if rows else None, "run": ask.data.get("run", "").strip()}
        self._do(operations_training.check_run, **args)
        self._chores.begin(_ESTIMATE, "train_on_pool", ask.user.name, {**args, "dry": True, "by": ask.user.name})

    @action("admin")
    def begin_run(self, ask: Ask) -> None:
        """Begin the run that was estimated."""
        estimate = self._chores.get(_ESTIMATE)
        if estimate is None or estimate.state != "done":
            raise Failure(ask.words["estimate_first"], 2)
        self._chores.begin(_BEGIN, "train_on_pool", ask.user.name, {**estimate.args, "dry": False, "by": ask.user.name})

    @action("admin")
    def stop_run(self, ask: Ask) -> str:
        """End a run after its present step."""
        self._do(operations_training.stop_run, run=ask.data.get("run", ""), by=ask.user.name)
        return ask.words["will_stop"]

    @action("admin")
    def resume_run(self, ask: Ask) -> str:
        """Go on with a run."""
        self._do(operations_training.resume_run, run=ask.data.get("run", ""), by=ask.user.name)
        return ask.words["goes_on"]

    @action("admin")
    def drop_work(self, ask: Ask) -> None:
        """Put away what was estimated, or what went wrong."""
        self._chores.drop(ask.data.get("key", ""))

    @action("admin")
    def evaluate(self, ask: Ask) -> str:
        """Measure an adapter against the best prompt."""
        name = ask.data.get("adapter", "")
        self._do(operations_tuning.show_adapter, name=name)  # whether there is one
        self._chores.begin(f"evaluate.{name}", "evaluate_adapter", ask.user.name, {"run": name, "by": ask.user.name})
        return ask.words["evaluation_begun"]

    @action("admin")
    def check_adapter(self, ask: Ask) -> str:
        """Look whether an adapter could answer."""
        found = self._do(operations_tuning.promote_adapter, **self._promotion(ask), check=True)
        return ask.words["verified"].format(name=found["adapter"], sha=found["sha256"][:12], backend=found["backend"])

    @action("admin")
    def promote(self, ask: Ask) -> str:
        """Let an adapter answer, in a share of the conversations or in all."""
        override, given = ask.data.get("override", "").strip(), self._promotion(ask)
        if not override and (against := verdicts.against(ask, self._do(operations_tuning.show_adapter, name=given["name"]))):
            raise Failure(ask.words["needs_reason"].format(name=given["name"], why=against), 2)
        if given["share"] < 1 and self._app.policies.newest().default == given["backend"]:
            raise Failure(ask.words["no_canary"].format(backend=given["backend"]), 2)
        found = self._do(operations_tuning.promote_adapter, **given, override=override)
        return ask.words["promoted"].format(name=found["adapter"], backend=found["backend"], share=f"{found['share']:.0%}")

    @action("admin")
    def roll_back(self, ask: Ask) -> str:
        """Undo the last promotion, in one step."""
        found = self._do(operations_tuning.rollback_adapter, backend=ask.data.get("backend", ""), author=ask.user.name)
        return verdicts.taken_back(ask, found)

    @action("admin")
    def add_local(self, ask: Ask) -> str:
        """Set a backend up on the base that an adapter was trained on."""
        one = self._do(operations_tuning.show_adapter, name=ask.data.get("adapter", ""))
        taken = {backend["name"] for backend in self._do(operations_backends.list_backends)["backends"]}
        name = next(name for name in ("local", *(f"local-{number}" for number in range(2, len(taken) + 3))) if name not in taken)
        config = {"model": self._model(one["base"]), "four_bit": one["four_bit"]}
        self._do(operations_backends.add_backend, name=name, kind="local", config=config)
        return ask.words["local_added"].format(name=name)

    @action("admin")
    def ask_advice(self, ask: Ask) -> None:
        """Advice for what is so here."""
        ask.place["facts"] = ",".join(name for name in verdicts.FACTS if ask.data.get(name))

    def _promotion(self, ask: Ask) -> dict[str, Any]:
        percent = ask.data.get("share", "")
        if not percent.isdecimal() or int(percent) not in verdicts.SHARES:
            raise Failure(ask.words["no_such_share"], 2)
        given = {"name": ask.data.get("adapter", ""), "backend": ask.data.get("backend", "")}
        return {**given, "share": int(percent) / 100, "author": ask.user.name}

    def _do(self, operation: Any, **args: Any) -> Any:
        return partial(operation, self._app, lambda _: None)(**args)


def add_report(fastapi: FastAPI, app: "App", path: str = "/admin") -> None:
    """The page that an evaluation left, behind `ui.guards.SignedIn` and a look at the role of our own."""
    import gradio as gr

    @fastapi.get(f"{path}/evaluation/{{run}}")
    async def report(request: Request, run: str) -> Response:
        try:
            user_of(gr.Request(request), "admin")
            found = await run_in_threadpool(operations_tuning.show_report, app, lambda _: None, run=run)
        except PermissionError as error:
            return PlainTextResponse(str(error), 403)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told in words)
            return PlainTextResponse(str(failure(error)), 404)
        return HTMLResponse(found["html"], headers={"Cache-Control": "no-store"})
