"""Runs a parser in a process of its own with limits on time and memory, so that its crash is one file's error and nothing more."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

from knowledge.documents import Section
from knowledge.errors import LoadError
from knowledge.loaders.parsed import Parsed

SECONDS = 120.0
MEMORY = 2_000_000_000  # bytes of address space
_CODE = "from knowledge.loaders.child import main; main()"


def parse_apart(kind: str, data: bytes, seconds: float = SECONDS, memory: int = MEMORY) -> Parsed:
    """Parse `data` as `kind` (pdf, docx, xlsx, html) in a child. Raises `LoadError` for whatever happens to it.

    seconds: of wall time. memory: bytes, above about 400 million for docx.
    """
    command = [sys.executable, "-P", "-c", _CODE, kind, str(int(seconds) + 1), str(memory)]
    # Its own small environment: the same modules, none of our secrets, and one thread of BLAS, whose stacks count as memory.
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=seconds, env=environment, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise LoadError(f"Reading the {kind} file took over {seconds:g} seconds. Split it, or export it again.") from None
    except OSError as error:
        raise LoadError(f"The {kind} reader could not be started: {error}. Free some memory and load the file again.") from None
    if done.returncode != 0:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
        raise LoadError(f"The {kind} reader broke down on this file ({how}). The file is damaged or too large; export it again.")
    reply = json.loads(done.stdout)
    if "error" in reply:
        raise LoadError(reply["error"])
    return Parsed(reply["title"], tuple(Section(tuple(heading), text, kind) for heading, text, kind in reply["sections"]))


def main() -> None:
    """The child: `kind`, seconds and bytes as arguments, the file on stdin, one JSON object on stdout."""
    import resource

    kind, seconds, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    reply = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up in the reply
    try:
        parsed = _parser(kind)(sys.stdin.buffer.read())
        answer: dict[str, object] = {"title": parsed.title, "sections": [(s.heading, s.text, s.kind) for s in parsed.sections]}
    except LoadError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": f"Reading the {kind} file needs over {memory:,} bytes of memory. Split it into smaller files."}
    except RecursionError:
        answer = {"error": f"The {kind} file is nested too deeply. Export it again in a simpler form."}
    except Exception as error:  # noqa: BLE001  (any parser's any error: this is the boundary it is translated at)
        answer = {"error": f"The {kind} file is broken ({type(error).__name__}: {str(error)[:200]}). Export it again."}
    with reply:
        reply.write(json.dumps(answer).encode())


def _parser(kind: str) -> Callable[[bytes], Parsed]:
    from knowledge.loaders import office, page

    return {"pdf": office.parse_pdf, "docx": office.parse_docx, "xlsx": office.parse_xlsx, "html": page.parse_page}[kind]
