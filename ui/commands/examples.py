"""`examples list`, `add`, `approve` and `reject`: the pool of good answers."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output, perform
from ui.errors import Failure

if TYPE_CHECKING:
    from rich.console import Console


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        return "shell"


examples = typer.Typer(help="Questions with good answers: shown to models, given as direct answers, trained on.", no_args_is_help=True)
Author = Annotated[str, typer.Option(help="Who decides; else your user name.", show_default=False, default_factory=_user)]
_Ids = Annotated[list[str], typer.Argument(help="Ids, as `examples list` shows them.", metavar="ID...")]


@examples.command("list")
def list_(
    *,
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="pending, approved or rejected; without it all.", show_default=False)] = None,
    language: Annotated[str | None, typer.Option(help="en, zh or other; without it all.", show_default=False)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List the pool."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_examples", out, state=state, language=language), _table)


@examples.command()
def add(
    *,
    context: typer.Context,
    question: Annotated[str | None, typer.Argument(help="What a customer asks.", show_default=False)] = None,
    answer: Annotated[str | None, typer.Argument(help="A good answer to it.", show_default=False)] = None,
    file: Annotated[Path | None, typer.Option(help="Many at once: rows {question, answer, ...}, .jsonl or .jsonl.gz.")] = None,
    evidence: Annotated[str, typer.Option(help="The passage the answer rests on.")] = "",
    source: Annotated[str, typer.Option(help="The document it stands in.")] = "",
    reasoning: Annotated[str, typer.Option(help="How one gets from the evidence to the answer.")] = "",
    intent: Annotated[str, typer.Option(help="What kind of question it is.")] = "",
    language: Annotated[str, typer.Option(help="en, zh or other; else told from the question.")] = "",
    approve: Annotated[bool, typer.Option("--approve", help="Approve them at once.")] = False,
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Take in one example, or a file of them. What is nearly there already is left out."""
    with output(as_json, debug) as out:
        if (file is None) == (question is None or answer is None):
            raise Failure("Give a question and an answer, or --file FILE with rows of them.", 2)
        if file:
            from ui.evals import read_rows

            rows = list(read_rows(file, {"question": str, "answer": str}))
        else:
            given = {"evidence": evidence, "source": source, "reasoning": reasoning, "intent": intent, "language": language}
            rows = [{"question": question, "answer": answer, **given}]

        def people(console: "Console", result: dict[str, Any]) -> None:
            _table(console, result)
            if result["duplicates"]:
                console.print(
                    f"{len(result['duplicates'])} left out: nearly the same as {', '.join(result['duplicates'][:5])}", markup=False
                )

        out.show(perform(context.obj, data_dir, "add_examples", out, rows=rows, approve=approve, author=author), people)


@examples.command()
def approve(
    *, context: typer.Context, ids: _Ids, author: Author, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False
) -> None:
    """Let examples be used."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "decide_examples", out, ids=ids, approve=True, author=author), _table)


@examples.command()
def reject(
    *,
    context: typer.Context,
    ids: _Ids,
    why: Annotated[str, typer.Option(help="What is wrong with them.")] = "",
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Keep examples from being used, and what is nearly the same from coming back."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "decide_examples", out, ids=ids, approve=False, author=author, why=why), _table)


@examples.command()
def edit(
    *,
    context: typer.Context,
    example: Annotated[str, typer.Argument(help="Its id, as `examples list` shows it.", metavar="ID")],
    question: Annotated[str | None, typer.Option(help="What a customer asks.", show_default=False)] = None,
    answer: Annotated[str | None, typer.Option(help="A good answer to it.", show_default=False)] = None,
    evidence: Annotated[str | None, typer.Option(help="The passage the answer rests on.", show_default=False)] = None,
    why: Annotated[str, typer.Option(help="The reason, kept with it.")] = "",
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Change an example, for instance give the better answer to one that a customer did not like; its state stays."""
    with output(as_json, debug) as out:
        given = {"question": question, "answer": answer, "evidence": evidence}
        texts = {name: text for name, text in given.items() if text is not None}
        if not texts:
            raise Failure("Nothing to change was given; allowed: --question, --answer, --evidence.", 2)
        out.show(perform(context.obj, data_dir, "edit_example", out, example=example, author=author, texts=texts, why=why), _table)


@examples.command()
def flagged(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Take the answers that customers did not like into the pool now, as the server does by itself every few minutes."""
    with output(as_json, debug) as out:

        def people(console: "Console", result: dict[str, Any]) -> None:
            console.print(f"{result['proposed']} new; {result['pending']} wait for a better answer: `answerdesk examples list`.")

        out.show(perform(context.obj, data_dir, "collect_flagged", out), people)


@examples.command()
def reason(
    *,
    context: typer.Context,
    backend: Annotated[str, typer.Option(help="Which backend writes it; one with a language model.")],
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Have a model write the reasoning of approved examples that have evidence and none; `cot` few and auto show it."""
    with output(as_json, debug) as out:

        def people(console: "Console", result: dict[str, Any]) -> None:
            for row in result["examples"]:
                console.print(f"{row['question']}\n  {row['reasoning']}", markup=False)
            console.print(f"{result['written']} written, {result['unusable']} not usable.")

        out.show(perform(context.obj, data_dir, "reason_examples", out, backend=backend, author=author), people)


@examples.command()
def measure(
    *,
    context: typer.Context,
    backend: Annotated[str | None, typer.Option(help="Which backend answers.", show_default=False)] = None,
    shots: Annotated[str, typer.Option(help="Numbers of examples to try, the first as the one to beat.")] = "0,2,4,8",
    cot: Annotated[str, typer.Option(help="Ways of reasoning to try.")] = "off",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measure on held-out examples how many to show for each intent and language; `shots` on auto obeys from the next turn."""
    with output(as_json, debug) as out:
        from dataclasses import asdict

        from ui.evals import judge
        from ui.evals_settings import choices_of, held_out_rows, settings_of
        from ui.settings import load_settings

        grid = settings_of(shots, cot, None)
        teaching = perform(context.obj, data_dir, "teaching", out)
        rows = held_out_rows(teaching["held_out"])
        if not rows:
            raise Failure("No approved example of the evaluation side has evidence to answer from. Approve more examples with evidence.")
        if any(not isinstance(setting.shots, int) for setting in grid):
            raise Failure(f"shots is {shots!r}; allowed here: numbers, as auto is what is being measured.", 2)
        judged = judge(context.obj.build, load_settings(data_dir=data_dir), rows, out.emit, backend=backend, grid=grid, teaching=teaching)
        choices = choices_of(judged, [tuple(row["kind"]) for row in rows])
        result = perform(context.obj, data_dir, "keep_choices", out, choices=[asdict(choice) for choice in choices])
        out.show({"held_out": len(rows), **result}, _choices)


def _choices(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("language", "intent", "shots", "reasoning", "gain", "measured on")
    for row in result["choices"]:
        counted = f"{row['details'].get('n', '-')} questions"
        table.add_row(row["language"], escape(row["intent"]) or "all", str(row["shots"]), row["cot"], f"{row['gain']:+.3f}", counted)
    console.print(table if result["choices"] else "Too few held-out examples of any language to choose by; approve more.")


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("id", "state", "language", "question", "answer")
    for row in result["examples"]:
        short = [escape(" ".join(row[name].split())[:120]) for name in ("question", "answer")]
        state = f"{row['state']} (disliked)" if row.get("flagged") and row["state"] == "pending" else row["state"]
        table.add_row(row["id"], state, row["language"], *short)
    console.print(table if result["examples"] else "There are no such examples. `answerdesk examples add QUESTION ANSWER` takes one in.")
