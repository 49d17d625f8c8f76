"""A shell command done by the running server, over its internal routes. Imports nothing heavy: it has to answer at once."""

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ui.errors import Failure
from ui.owner import Server

Emit = Callable[[dict[str, Any]], None]
"""Takes what a command tells before its result: `{"delta": text}` or `{"progress": {"done", "total", "name"}}`."""

_CONNECT_S = 5
_SILENCE_S = 900  # one large document may take minutes between two lines


def call(server: Server, name: str, args: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Have the server do operation `name` and return its result; what comes before it goes to `emit`. Raises `Failure`."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=_CONNECT_S)
    try:
        connection.connect()
        connection.sock.settimeout(_SILENCE_S)
        headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
        connection.request("POST", f"/api/internal/{name}", json.dumps(args), headers)
        response = connection.getresponse()
        if response.status != 200:
            raise Failure(_refusal(response))
        for line in response:
            event = json.loads(line)
            if "error" in event:
                raise Failure(event["error"], event["code"])
            if "result" in event:
                result: dict[str, Any] = event["result"]
                return result
            emit(event)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Failure(
            f"The server at {server.url} (process {server.pid}) does not answer as it should: {error}. "
            f"Look at its log; if it hangs, stop it (kill {server.pid}) and start it again."
        ) from error
    finally:
        connection.close()
    raise Failure(f"The server at {server.url} broke off before it was done. Look at its log and try again.")


def _refusal(response: http.client.HTTPResponse) -> str:
    try:
        return str(json.loads(response.read())["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The server refused with HTTP {response.status}. It may be another version: restart it."
