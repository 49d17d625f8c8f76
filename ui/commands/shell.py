"""What all commands share: their common options, how they print, how they end, and who does their work."""

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from ui.errors import Failure, failure
from ui.loopback import call
from ui.owner import Owned, Server, claim
from ui.settings import Settings, load_settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from knowledge.embed import Embedder
    from ui.build import App, Desk

_FOLDER = "The data folder; else ANSWERDESK_DATA_DIR, else ./data."
DataDir = Annotated[Path | None, typer.Option("--data-dir", help=_FOLDER, show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout, everything else on stderr.")]
Debug = Annotated[bool, typer.Option("--debug", envvar="ANSWERDESK_DEBUG", help="Show where an error came from.")]

_STARTING_S = 120  # how long a command waits for a server that is loading its models


def _build(settings: Settings) -> "App":
    from ui.build import build

    return build(settings)


def _desk(settings: Settings) -> "Desk":
    from ui.build import open_desk

    return open_desk(settings)


def _embedder(settings: Settings) -> "Embedder":
    from knowledge.gloss import open_embedder

    return open_embedder(settings.embedding_model)


def _web(app: "App", token: str) -> "FastAPI":
    from ui.web import create_web

    return create_web(app, token)


@dataclass(frozen=True, slots=True)
class Tools:
    """How a command gets an application and a web app; travels as `obj` of typer's context. Loads them only when they are called.

    desk: the database alone, for the operations that need no more. embedder: the embedding model alone.
    """

    build: Callable[[Settings], "App"] = _build
    desk: Callable[[Settings], "Desk"] = _desk
    web: Callable[["App", str], "FastAPI"] = _web
    embedder: Callable[[Settings], "Embedder"] = _embedder


@dataclass
class Output:
    """Where a command prints: its one JSON object, or tables and bars for people."""

    as_json: bool
    stdout: TextIO
    _progress: "Progress | None" = None
    _task: "TaskID | None" = None
    streamed: str = field(default="", init=False)  # what was printed of a reply as it came

    @property
    def people(self) -> "Console":
        """Prints for people on stdout."""
        from rich.console import Console

        return Console(file=self.stdout, highlight=False)

    def emit(self, event: dict[str, Any]) -> None:
        """Show what comes before the result: a piece of a reply, or how far the work is."""
        if self.as_json:
            return
        if delta := event.get("delta"):
            self.streamed += delta
            self.stdout.write(delta)
            self.stdout.flush()
        elif progress := event.get("progress"):
            self._advance(progress["done"], progress["total"], progress["name"])

    def note(self, text: str) -> None:
        """Something worth knowing while it works, on stderr."""
        print(text, file=sys.stderr, flush=True)

    def show(self, result: dict[str, Any], people: Callable[["Console", dict[str, Any]], None]) -> None:
        """Print the result: as it is, or by `people`."""
        self.close()
        if self.as_json:
            print(json.dumps(result, ensure_ascii=False), file=self.stdout, flush=True)
        else:
            people(self.people, result)

    def close(self) -> None:
        """Take the progress bar away."""
        if self._progress:
            self._progress.stop()
            self._progress = None

    def _advance(self, done: int, total: int, name: str) -> None:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._progress.start()
            self._task = self._progress.add_task("", total=total)
        if self._task is not None:
            shown = name if len(name) <= 40 else f"…{name[-39:]}"
            self._progress.update(self._task, completed=done, total=total, description=shown)


@contextlib.contextmanager
def output(as_json: bool, debug: bool) -> Iterator[Output]:
    """Print inside the block through the `Output`; any error becomes one message and an exit code. Libraries' prints go to stderr."""
    out = Output(as_json, sys.stdout)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield out
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        _fail(out, Failure("Stopped."))
    except typer.Abort:  # a question was answered with no, or not at all
        _fail(out, Failure("Nothing was changed."))
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
        raise typer.Exit(1) from None
    except Exception as error:  # noqa: BLE001  (a person reads this: a message, never a stack)
        if debug:
            traceback.print_exc()
        _fail(out, failure(error))
    finally:
        out.close()


def _fail(out: Output, known: Failure) -> None:
    out.close()
    if out.as_json:
        print(json.dumps({"error": str(known)}, ensure_ascii=False), file=out.stdout, flush=True)
    else:
        if out.streamed:
            out.stdout.write("\n")
        print(known, file=sys.stderr)
    raise typer.Exit(known.code)


def perform(tools: Tools, data_dir: Path | None, operation: str, out: Output, **args: Any) -> dict[str, Any]:
    """Do an operation of `ui.operations`: here, or by the server where one has the data folder."""
    settings = load_settings(data_dir=data_dir)
    try:
        with claim(settings.data_dir, operation):
            return _here(tools, settings, operation, out, args)
    except Owned as owned:
        return call(_server(settings.data_dir, owned, out), operation, args, out.emit)


def _here(tools: Tools, settings: Settings, operation: str, out: Output, args: dict[str, Any]) -> dict[str, Any]:
    from ui.logs import set_up
    from ui.operations import DESK_OPERATIONS, OPERATIONS

    set_up("debug" if settings.log_level == "debug" else "error")
    if operation in DESK_OPERATIONS:
        return DESK_OPERATIONS[operation](tools.desk(settings), out.emit, **args)
    with _waiting(out, "Opening the data folder and loading the model ..."):
        app = tools.build(settings)
        # A server goes on without its index, and says so; who works in a shell is told, and mends it by the one operation that may go on.
        if operation != "reindex_documents" and (wrong := app.index.ready()):
            raise Failure(wrong)
    return OPERATIONS[operation](app, out.emit, **args)


def _waiting(out: Output, text: str) -> contextlib.AbstractContextManager[Any]:
    if out.as_json:
        return contextlib.nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(text)


def _server(data_dir: Path, owned: Owned, out: Output) -> Server:
    """The server that has the folder, waited for while it starts. Raises `Owned` when it is not a server that has it."""
    deadline = time.monotonic() + _STARTING_S
    waiting = False
    while owned.doing == "serve" and not owned.server and time.monotonic() < deadline:
        if not waiting:
            out.note(f"The server (process {owned.pid}) is starting; waiting for it ...")
            waiting = True
        time.sleep(0.2)
        try:
            with claim(data_dir, "wait"):
                raise Failure(f"The server (process {owned.pid}) ended while it was starting. Look at its output, then try again.")
        except Owned as now:
            owned = now
    if not owned.server:
        raise owned
    return owned.server


def text_or_stdin(text: str) -> str:
    """`text`, or what stands on stdin when it is `-`. Raises `Failure` when it is empty or not Unicode."""
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Failure("The text is not valid UTF-8. Save it as UTF-8 and try again.", 2) from None
    if not text.strip():
        raise Failure("The text is empty. Give some words, or - to read them from stdin.", 2)
    return text.strip()
