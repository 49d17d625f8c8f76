"""A real OpenAI-compatible server on 127.0.0.1, in a thread, that answers as it is told: well, badly, late or not at all."""

import json
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

SILENT_S = 10.0  # the longest that a stalled reply is held open, should nobody close it


@dataclass(frozen=True)
class Reply:
    """What the server does with a request.

    pieces: the `content` of one delta each, or a dict to be the delta itself. status and headers: of the response; other
    than 200, `error` is its JSON error. first_s and gap_s: seconds before the first piece and between two.
    stall_after, reset_after: so many pieces are sent, then nothing for ever, or a TCP reset. raw: the body, instead of all that.
    cut: bytes per write, so that characters arrive in halves. finish: the finish reason.
    """

    pieces: tuple[str | dict[str, Any], ...] = ("Hello", ", ", "world.")
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    error: dict[str, Any] = field(default_factory=lambda: {"message": "stub error", "type": "stub", "code": None})
    first_s: float = 0
    gap_s: float = 0
    stall_after: int | None = None
    reset_after: int | None = None
    raw: bytes | None = None
    cut: int = 0
    finish: str = "stop"


class Stub:
    """The running server. Set `reply`, `queue` for the next requests in turn, or `model`, which makes a reply of the request's body;
    look at `bodies`, `heads` and `closed`.

    closed: set when a client closed its connection before the end of the reply.
    """

    def __init__(self) -> None:
        self.reply = Reply()
        self.queue: list[Reply] = []
        self.model: Callable[[dict[str, Any]], Reply] | None = None
        self.bodies: list[dict[str, Any]] = []
        self.heads: list[dict[str, str]] = []
        self.closed = Event()
        self.over = Event()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"


@contextmanager
def stub_openai() -> Iterator[Stub]:
    """A server for the length of the block."""
    stub = Stub()
    thread = Thread(target=stub._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.over.set()
        stub._server.shutdown()
        stub._server.server_close()
        thread.join()


def free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""

    def do_POST(self) -> None:
        stub = self.server.stub
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        stub.bodies.append(body)
        stub.heads.append({name.lower(): value for name, value in self.headers.items()})
        reply = stub.queue.pop(0) if stub.queue else stub.model(body) if stub.model else stub.reply
        if reply.status != 200:
            self._whole(reply, json.dumps({"error": reply.error}).encode(), "application/json")
        elif reply.raw is not None:
            self._whole(reply, reply.raw, "text/event-stream")
        else:
            try:
                self._stream(reply, body.get("max_tokens") or body.get("max_completion_tokens") or 10_000)
            except OSError:
                stub.closed.set()
                self.close_connection = True

    def _whole(self, reply: Reply, content: bytes, kind: str) -> None:
        self.send_response(reply.status)
        for name, value in (*reply.headers, ("Content-Type", kind), ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, reply: Reply, limit: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._silent(reply.first_s)
        self._event({"role": "assistant", "content": ""}, reply.cut)
        for number, piece in enumerate(reply.pieces[:limit]):
            if number == reply.reset_after:
                self._reset()
                return
            self._silent(SILENT_S if number == reply.stall_after else reply.gap_s if number else 0)
            self._event({"content": piece} if isinstance(piece, str) else piece, reply.cut)
        self._event({}, reply.cut, reply.finish)
        self._write(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, delta: dict[str, Any], cut: int, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        event = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": [choice]}
        line = f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
        for start in range(0, len(line), cut or len(line)):
            self._write(line[start : start + (cut or len(line))])

    def _write(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.flush()

    def _silent(self, seconds: float) -> None:
        """Send nothing for so long. Raises `ConnectionError` as soon as the client closes."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and not self.server.stub.over.is_set():
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.05))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionAbortedError

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
