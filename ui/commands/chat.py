"""`ask` and `search`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output, perform, text_or_stdin

if TYPE_CHECKING:
    from rich.console import Console


def ask(
    *,
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The customer's message; - reads it from stdin.")],
    conversation: Annotated[str | None, typer.Option(help="Go on with this conversation.", show_default=False)] = None,
    customer: Annotated[str | None, typer.Option(help="Who asks.", show_default=False)] = None,
    backend: Annotated[str | None, typer.Option(help="Which backend answers.", show_default=False)] = None,
    shots: Annotated[str | None, typer.Option(help="How many examples the model is shown: 0 to 64, or auto.", show_default=False)] = None,
    cot: Annotated[str | None, typer.Option(help="How it reasons first: off, zero, few or auto.", show_default=False)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Ask the bot one question, as a customer would."""
    with output(as_json, debug) as out:
        args = {
            "text": text_or_stdin(text),
            "conversation": conversation,
            "customer": customer,
            "backend": backend,
            "shots": shots,
            "cot": cot,
        }
        result = perform(context.obj, data_dir, "ask", out, **args)

        def people(console: "Console", answer: dict[str, Any]) -> None:
            console.print(answer["answer"][len(out.streamed) :], markup=False)
            _sources(console, answer)

        out.show(result, people)


def _sources(console: "Console", answer: dict[str, Any]) -> None:
    for number, citation in enumerate(answer["citations"], 1):
        console.print(f"  \\[{number}] {_plain(citation['title'] or citation['source'])} [dim]{_plain(citation['source'])}[/dim]")
    seconds = answer["latency_ms"].get("total", 0) / 1000
    facts = [answer["backend"] or "no backend", f"{seconds:.1f} s", f"conversation {answer['conversation']}"]
    if answer["reason"]:
        facts.insert(0, f"{answer['route']}: {answer['reason']}")
    console.print(f"[dim]{_plain(' · '.join(facts))}[/dim]")


def search(
    *,
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What to look for; - reads it from stdin.")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    collection: Annotated[str, typer.Option(help="Where to look.")] = "default",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show the passages that fit a text best."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "search", out, text=text_or_stdin(text), k=k, collection=collection)
        out.show(result, _hits)


def _hits(console: "Console", result: dict[str, Any]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    if result.get("note"):
        console.print(result["note"], markup=False)
    elif not result["hits"]:
        console.print("Nothing found. `answerdesk ingest PATH` takes in documents.")
    for hit in result["hits"]:
        console.print(f"[bold]{hit['score']:.2f}[/bold]  {_plain(hit['title'] or hit['source'])} [dim]{_plain(hit['source'])}[/dim]")
        text = " ".join(hit["text"].split())
        console.print(Padding(Text(text[:300] + "…" * (len(text) > 300)), (0, 0, 0, 6)))


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
