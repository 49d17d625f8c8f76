"""`redact`: a text without what is personal in it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output
from ui.errors import Failure

if TYPE_CHECKING:
    from rich.console import Console


def redact(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A text file, or - for stdin.")],
    orders: Annotated[str, typer.Option(help="Order numbers: keep or mask.")] = "keep",
    keep: Annotated[list[str] | None, typer.Option(help="A name that is not personal here, such as a product's; give it for each.")] = None,
    data_dir: DataDir = None,  # noqa: ARG001  (every command takes it; this one keeps nothing)
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Replace names, addresses, numbers and other personal data by pseudonyms."""
    with output(as_json, debug) as out:
        if orders not in ("keep", "mask"):
            raise Failure(f"--orders is {orders!r}; allowed: keep, mask.", 2)
        text = _stdin() if file == "-" else _read(Path(file))
        from bot.redact import redact as without

        done = without(text, orders="mask" if orders == "mask" else "keep", keep=keep or ())
        spans = [{"start": span.start, "end": span.end, "type": span.type} for span in done.spans]
        out.show({"text": done.text, "spans": spans}, _text)


def _stdin() -> str:
    """What stands on stdin as it is, or `Failure` where nothing does. What it begins with stays, as spans are counted from there."""
    try:
        text = sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Failure(f"stdin is not UTF-8: {error.reason} at byte {error.start}. Save the text as UTF-8.", 2) from None
    if not text.strip():
        raise Failure("There is nothing on stdin. Pipe the text in (cat chat.txt | answerdesk redact -), or name a file.", 2)
    return text.rstrip()


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Failure(f"{path} is not UTF-8: {error.reason} at byte {error.start}. Save it as UTF-8.", 2) from None
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.", 2) from None


def _text(console: "Console", result: dict[str, Any]) -> None:
    console.file.write(result["text"] if result["text"].endswith("\n") else result["text"] + "\n")
