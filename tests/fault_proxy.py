"""A proxy on 127.0.0.1 that stands before a model server and does to its replies what networks and servers do."""

import json
import socket
import socketserver
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Fault:
    """What happens to a reply.

    delay_s: seconds before the request is passed on. silent: it is taken and never answered. cut: bytes of the reply that get through
    before a TCP reset. raw: what is sent in its place, after which the connection is closed.
    """

    delay_s: float = 0
    silent: bool = False
    cut: int | None = None
    raw: bytes | None = None


def refusal(status: str, error: dict[str, Any], *headers: str) -> Fault:
    """An HTTP error, as such servers send it."""
    body = json.dumps({"error": error}).encode()
    head = (f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", *headers)
    return Fault(raw="\r\n".join(head).encode() + b"\r\n\r\n" + body)


GARBAGE = Fault(raw=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + bytes(range(256)))
EMPTY = Fault(raw=b"")


class Proxy:
    """A running proxy. bodies: every request that came, as JSON."""

    def __init__(self, upstream: str, fault: Fault) -> None:
        self.fault = fault
        self.bodies: list[dict[str, Any]] = []
        self.over = Event()
        self.lock = Lock()
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.server = _Server(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"


@contextmanager
def fault_proxy(upstream: str, fault: Fault) -> Iterator[Proxy]:
    """A proxy for the length of the block."""
    proxy = Proxy(upstream, fault)
    thread = Thread(target=proxy.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.over.set()
        proxy.server.shutdown()
        proxy.server.server_close()
        thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        proxy = self.server.proxy
        with suppress(OSError):
            while request := self._read():
                with proxy.lock:
                    proxy.bodies.append(json.loads(request.partition(b"\r\n\r\n")[2]))
                if not self._answered(proxy, proxy.fault, request):
                    return

    def _answered(self, proxy: Proxy, fault: Fault, request: bytes) -> bool:
        """Whether the connection goes on."""
        if fault.silent:
            while not proxy.over.wait(0.05) and self._there():
                pass
            return False
        if fault.raw is not None:
            self.request.sendall(fault.raw)
            return False
        waited = 0.0
        while waited < fault.delay_s and self._there():
            waited += 0.05
            if proxy.over.wait(0.05):
                return False
        self._relay(proxy.upstream, request, fault.cut)
        return False

    def _relay(self, upstream: tuple[str, int], request: bytes, cut: int | None) -> None:
        """Pass the request on, and what comes back: all of it, or `cut` bytes and then a reset."""
        left = cut if cut is not None else 1 << 40
        with socket.create_connection(upstream) as server:
            server.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            while left and (piece := server.recv(min(4096, left))):
                self.request.sendall(piece)
                left -= len(piece)
        if not left:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.request.close()

    def _read(self) -> bytes:
        """One whole request; nothing when the client has gone."""
        held = b""
        while b"\r\n\r\n" not in held:
            piece = self.request.recv(65536)
            if not piece:
                return b""
            held += piece
        head, _, body = held.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            body += self.request.recv(65536)
        return head + b"\r\n\r\n" + body

    def _there(self) -> bool:
        """Whether the client still holds the connection."""
        self.request.setblocking(False)
        try:
            return self.request.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        finally:
            self.request.setblocking(True)
