"""`customers show`, `customers export`, `customers forget` and `customers erase`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output, perform
from ui.errors import Failure

if TYPE_CHECKING:
    from rich.console import Console

customers = typer.Typer(help="What is kept of a customer: see it, erase it.", no_args_is_help=True)
_Customer = Annotated[str, typer.Argument(metavar="ID", help="The customer's id, as the shop or the browser's cookie gave it.")]


@customers.command()
def show(*, context: typer.Context, customer: _Customer, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Conversations and remembered facts, each with the message that said it."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "show_customer", out, customer=customer), _table)


@customers.command()
def export(*, context: typer.Context, customer: _Customer, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Everything of a customer as JSON, to be handed to them."""
    with output(as_json, debug) as out:
        out.show(
            perform(context.obj, data_dir, "export_customer", out, customer=customer),
            lambda console, result: console.print_json(data=result),
        )


@customers.command()
def forget(
    *,
    context: typer.Context,
    customer: _Customer,
    fact: Annotated[str, typer.Argument(help="The fact's id, as `show` prints it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Forget one fact."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "forget_fact", out, customer=customer, fact=fact)
        if not result["facts"]:
            raise Failure(f"The customer {customer!r} has no fact {fact!r}; `answerdesk customers show` lists them.", 2)
        out.show(result, lambda console, _: console.print("Forgotten."))


@customers.command()
def erase(
    *,
    context: typer.Context,
    customer: _Customer,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first; needed with --json or without a terminal.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Erase a customer: conversations, summaries, facts, examples and transcripts. It cannot be undone."""
    with output(as_json, debug) as out:
        if not yes:
            if as_json or not sys.stdin.isatty():
                raise Failure(
                    f"Erasing everything of the customer {customer!r} cannot be undone; nothing was erased. Add --yes to do it.", 2
                )
            typer.confirm(f"Erase everything of the customer {customer!r}?", abort=True, err=True)
        out.show(perform(context.obj, data_dir, "erase", out, customer=customer), _erased)


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    console.print(f"{len(result['conversations'])} conversations, {len(result['facts'])} facts", markup=False)
    table = Table("id", "kind", "fact", "said", "expires")
    for fact in result["facts"]:
        table.add_row(fact["id"], fact["kind"], fact["text"], fact["said"][:10], fact["expires"][:10])
    if result["facts"]:
        console.print(table, markup=False)


def _erased(console: "Console", result: dict[str, Any]) -> None:
    counts = {name: number for name, number in result.items() if isinstance(number, int)} | result["elsewhere"]
    console.print("Erased: " + ", ".join(f"{number} {name}" for name, number in counts.items()) + ".", markup=False)
    console.print("Backups that were made before still hold this customer: make new ones and delete the old.", markup=False)
