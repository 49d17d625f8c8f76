"""The command line as a whole: what is wrong about a request comes out as every other error does, in JSON where that was asked for."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup


class Root(TyperGroup):
    """All commands. With `--json` a request that cannot be read is one JSON object on stdout, with exit code 2, too."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line. Without `--json`, typer says for itself what is wrong."""
        given = list(sys.argv[1:] if args is None else args)
        asked = "--json" in given[: given.index("--") if "--" in given else None]
        if not standalone_mode or not asked:
            return super().main(given, prog_name, complete_var, standalone_mode, windows_expand_args, **extra)
        try:
            code = super().main(given, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.Abort:
            code = _told("Stopped.", 1)
        except Exception as error:
            if not hasattr(error, "format_message"):  # not one of typer's own, whose classes its versions keep in different places
                raise
            context = getattr(error, "ctx", None)
            path = context.command_path if context else "answerdesk"
            code = _told(f"{error.format_message().rstrip('.')}. See `{path} --help`.", 2)
        sys.exit(code or 0)


def _told(message: str, code: int) -> int:
    print(json.dumps({"error": message}, ensure_ascii=False), flush=True)
    return code
