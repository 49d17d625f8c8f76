"""What serving costs: bare echoes, stock LangChain, plain Gradio and Answerdesk, one load on all, side by side in one run.

    pip install -e '.[bench]'
    python benchmarks/serving.py DATA_FOLDER [--only GROUP ...] [--rounds 3]

DATA_FOLDER is one that `answerdesk sample` filled; copies of it are served. Every server (`benchmarks/servers.py`) is a process of its own
and says the same twenty words. What counts is the CPU time of that process for a chat, user and system together, the median of the rounds:
clients are in another process, and neighbours lengthen the wall time much more than this. No server is asked the same twice. Pages
are open before anything is measured, as they are before anybody can ask.

Groups: `path` (/v1, the words at once), `retrieval` (/v1, over the sample shop), `page` (Gradio's queue, a word every 10 ms, 16 clients),
`first` (the same; until the first word is seen by each of 64 clients that ask at once).
"""

import argparse
import asyncio
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from servers import KEY, PIECES

EVALS = Path(__file__).parents[1] / "tests" / "evals"
PACE_S = 0.01
CLIENTS, MANY = 16, 64
GROUPS = {
    "path": ("echo", "langchain", "path", "turn"),
    "retrieval": ("echo", "langchain_chroma", "ours"),
    "page": ("gradio", "turn"),
    "first": ("gradio_default", "turn"),
}
AGAINST = {"path": "langchain", "retrieval": "langchain_chroma", "page": "gradio", "first": "gradio_default"}
LABELS = {
    "echo": "bare streaming echo",
    "langchain": "LangChain, `prompt | model`",
    "path": "Answerdesk: prompt, policy and ladder alone",
    "turn": "Answerdesk: the whole turn, saved, but for retrieval and classifiers",
    "langchain_chroma": "LangChain + Chroma + model",
    "ours": "Answerdesk: the whole turn",
    "gradio": "plain Gradio echo, no limit",
    "gradio_default": "plain Gradio echo at its defaults",
}
_HZ = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """Opens its /v1."""
        return path.read_text() if (path := self.folder / KEY).exists() else "none"

    def wait(self) -> None:
        """Until it listens."""
        while self.process.poll() is None:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        sys.exit(f"the server {self.name} did not start; what it wrote is above")

    def cpu_s(self) -> float:
        """User and system time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _HZ


@contextmanager
def serving(name: str, shop: Path, pace_s: float) -> Iterator[Server]:
    """A server over a copy of the shop, not waited for."""
    with tempfile.TemporaryDirectory(prefix="answerdesk-serving-", ignore_cleanup_errors=True) as temporary, socket.socket() as probe:
        folder = Path(shutil.copytree(shop, Path(temporary) / "data"))
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        own = {name: value for name, value in os.environ.items() if not name.startswith("ANSWERDESK_")}
        environment = {**own, "HF_HUB_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False", "GRADIO_ANALYTICS_ENABLED": "False"}
        environment["PYTHONPATH"] = os.pathsep.join((str(Path(__file__).parents[1]), own.get("PYTHONPATH", "")))
        command = [sys.executable, str(Path(__file__).with_name("servers.py")), name, str(port), str(folder), str(pace_s)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            yield Server(name, process, port, folder)
        finally:
            process.kill()
            process.wait()


Chat = Callable[[httpx.AsyncClient, Server, str], Awaitable[float]]
"""One chat of a visitor to its end; seconds until the first word."""


async def chat_v1(client: httpx.AsyncClient, server: Server, question: str) -> float:
    """As an OpenAI client streams."""
    asked, first, done = time.monotonic(), 0.0, False
    body = {"model": "answerdesk", "stream": True, "messages": [{"role": "user", "content": question}]}
    headers = {"Authorization": f"Bearer {server.key}"}
    async with client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if not first and '"content": "' in line and '"content": ""' not in line:
                first = time.monotonic() - asked
                _OTHERS[server.name] += PIECES[0] not in line
            done = done or line == "data: [DONE]"
    if not (first and done):
        raise RuntimeError(f"{server.name}: a chat had no reply")
    return first


async def chat_page(client: httpx.AsyncClient, server: Server, question: str) -> float:
    """As a page in a browser asks: into Gradio's queue, then its events until the end. One session for all that a visitor asks."""
    session, asked, first, done = client.headers[_SESSION], time.monotonic(), 0.0, False
    event: dict[str, Any] = {"text": question, "conversation": uuid.uuid4().hex, "message": uuid.uuid4().hex}
    body = {**await _event(client, server), "session_hash": session, "event_data": event}
    del body["loads"]
    body["data"] = [question, []] if body["data"] else []
    (await client.post("/gradio_api/queue/join", json=body)).raise_for_status()
    async with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as response:
        async for line in response.aiter_lines():
            if not first and PIECES[0].strip() in line:
                first = time.monotonic() - asked
            if '"process_completed"' in line:
                done = '"success":true' in line
                break
    if not done:
        raise RuntimeError(f"{server.name}: a chat failed: {line[:400]}")
    _OTHERS[server.name] += not first
    return first or time.monotonic() - asked


_SESSION = "X-Session"  # where a visitor's client keeps the page's session
_EVENTS: dict[str, dict[str, Any]] = {}
_OTHERS: Counter[str] = Counter()  # replies that were not the model's: the bot's own words, where it asks back or finds nothing


async def _event(client: httpx.AsyncClient, server: Server) -> dict[str, Any]:
    """Which of the page's events is the chat."""
    if server.url not in _EVENTS:
        config = (await client.get("/config")).json()
        wanted = next(
            one for one in config["dependencies"] if one["targets"] and one["targets"][0][1] in {"ask", "submit"} and one["backend_fn"]
        )
        target = wanted["targets"][0][0]
        loads = [one["id"] for one in config["dependencies"] if one["targets"] and one["targets"][0][1] == "load" and one["backend_fn"]]
        _EVENTS[server.url] = {"fn_index": wanted["id"], "trigger_id": target, "data": wanted["inputs"], "loads": loads}
    return dict(_EVENTS[server.url])


async def _open(client: httpx.AsyncClient, server: Server) -> None:
    """What a browser does with the page before anybody can ask: it is fetched, which gives the visitor a cookie, and told to begin."""
    client.headers[_SESSION] = session = uuid.uuid4().hex
    (await client.get("/")).raise_for_status()
    for number in (await _event(client, server))["loads"]:
        begun = {"data": [], "fn_index": number, "session_hash": session}
        (await client.post("/gradio_api/run/predict", json=begun)).raise_for_status()


async def load(chat: Chat, server: Server, questions: Sequence[str], clients: int) -> tuple[list[float], float]:
    """All questions, so many clients at a time: the seconds until each one's first word, and the server's CPU seconds for the chats."""
    left, waited, ready, began = iter(questions), list[float](), asyncio.Barrier(clients), list[float]()

    async def visitor() -> None:
        async with httpx.AsyncClient(base_url=server.url, timeout=600) as client:
            if chat is chat_page:
                await _open(client, server)
            await ready.wait()
            began.append(server.cpu_s())
            for question in left:
                waited.append(await chat(client, server, question))

    await asyncio.gather(*(visitor() for _ in range(clients)))
    return waited, server.cpu_s() - min(began)


def questions() -> Iterator[str]:
    """English questions about the sample shop; once they are used up, the same with a running number."""
    files = [EVALS / f"shop_en_{half}.jsonl" for half in ("dev", "heldout", "tune")]
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [row["question"] for row in rows if row["kind"] == "answerable" and not row.get("history")]
    yield from rows
    for number in itertools.count(1):
        yield from (f"{row} ({number})" for row in rows)


def measured(group: str, shop: Path, rounds: int, chats: int) -> dict[str, float]:
    """For each server of a group the median over the rounds: CPU milliseconds a chat, or for `first` the median seconds."""
    chat, pace_s = (chat_v1, 0.0) if group in {"path", "retrieval"} else (chat_page, PACE_S)
    clients = MANY if group == "first" else CLIENTS
    chats = max(clients, chats)
    found: dict[str, list[float]] = {name: [] for name in GROUPS[group]}
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(name, shop, pace_s)) for name in GROUPS[group]]
        for server in servers:
            server.wait()
        asked = {server.name: questions() for server in servers}
        for number, server in itertools.product(range(rounds + 1), servers):
            new = list(itertools.islice(asked[server.name], clients if group == "first" else chats))
            waited, cpu_s = asyncio.run(load(chat, server, new, clients))
            if number:  # the first round warms up
                found[server.name].append(statistics.median(waited) if group == "first" else 1000 * cpu_s / len(new))
    for name, values in found.items():
        own = f"; {_OTHERS[name]} replies were the bot's own words" if _OTHERS[name] else ""
        print(f"{group} {name}: {', '.join(f'{value:.3g}' for value in values)}{own}", file=sys.stderr)
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chats", type=int, default=64, help="a round and server")
    given = parser.parse_args()
    if not (given.shop / "answerdesk.db").is_file():
        parser.error(f"{given.shop} is no data folder; make one: answerdesk sample --data-dir {given.shop}")
    for group in given.only:
        found = measured(group, given.shop, given.rounds, given.chats)
        theirs, bare = found[AGAINST[group]], found.get("echo", 0.0)
        unit = "seconds to the first word" if group == "first" else "CPU ms a chat"
        print(f"\n| {group} | {unit} | above the bare echo | share of {LABELS[AGAINST[group]]} |\n|---|---|---|---|")
        for name, value in found.items():
            share = f"{(value - bare) / (theirs - bare):.2f}" if name != "echo" else ""
            print(f"| {LABELS[name]} | {value:.3g} | {value - bare:.3g} | {share} |", flush=True)


if __name__ == "__main__":
    main()
