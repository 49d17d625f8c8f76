"""`serve`: the web app, in the process that owns the data folder."""

import os
import signal
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, Output, Tools, output
from ui.errors import Failure
from ui.owner import Claim, claim
from ui.settings import Settings, load_settings, named, unknown_settings

if TYPE_CHECKING:
    from rich.console import Console

_SHUTDOWN_S = 3  # how long open streams may go on once the server has been told to stop


def serve(
    *,
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.", show_default="7860")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run the web app until it is stopped (Ctrl-C or SIGTERM)."""
    with output(as_json, debug) as out, ExitStack() as stack:
        settings = load_settings(data_dir=data_dir, host=host, port=port)
        if unknown := unknown_settings():
            out.note(f"Not known, so not obeyed: {named(unknown)}. `answerdesk settings` shows those there are.")
        owner = stack.enter_context(claim(settings.data_dir, "serve"))
        listener = stack.enter_context(_listen(settings))
        _run(context.obj, settings, owner, listener, out)


def _listen(settings: Settings) -> socket.socket:
    """Take the port first: that it is in use should show before the models load."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host.strip("[]"), settings.port))
    except OSError as error:
        listener.close()
        raise Failure(
            f"Port {settings.port} on {settings.host} cannot be used: {error.strerror or error}. "
            "Stop what uses it, or choose another with --port (and --host)."
        ) from None
    return listener


def _run(tools: Tools, settings: Settings, owner: Claim, listener: socket.socket, out: Output) -> None:
    from ui.accounts import Accounts
    from ui.logs import set_up
    from ui.notify import keep_notifying
    from ui.operations_training import keep_running
    from ui.watching import keep_watching

    set_up(settings.log_level)
    _confine_gradio(settings)
    out.note("Loading the index and the model ...")
    app = tools.build(settings)
    if not settings.database_url:  # a shared database has other servers' turns in it, which are being answered
        app.router.resume()
    keep_running(settings.data_dir)
    keep_watching(app)
    keep_notifying(app)
    password = Accounts(app.engine).first_admin(settings.admin_password.get_secret_value())
    web = tools.web(app, owner.token)

    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                owner.announce(_address(settings, local=True))
                url = _address(settings)
                out.show({"url": url, **({"admin": {"name": "admin", "password": password}} if password else {})}, _ready)

    config = uvicorn.Config(
        web,
        log_config=None,  # ours is set up, and its access log has query strings
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        h11_max_incomplete_event_size=64 * 1024,
    )
    # uvicorn stops on these signals, then raises them again for the handlers that were there before: that would end us with an error.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = Server(config)
    server.run([listener])
    if not server.started:
        raise Failure("The web app did not start; the log above says why.")
    out.note("Stopped.")


def _ready(console: "Console", result: dict[str, Any]) -> None:
    console.print(f"Answerdesk is ready at {result['url']}  (Ctrl-C stops it)", soft_wrap=True)
    if admin := result.get("admin"):
        console.print(f"Sign in at {result['url']}/login as {admin['name']} with the one-time password", soft_wrap=True)
        console.print(f"    {admin['password']}", markup=False)
        console.print("It is not shown again; `answerdesk users reset admin` makes another one.", style="dim")


def _confine_gradio(settings: Settings) -> None:
    """Gradio reads these when it is imported: its files go where nobody else of this machine reads them, and it calls nobody."""
    temporary = settings.data_dir.absolute() / "gradio"
    temporary.mkdir(mode=0o700, exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = str(temporary)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


def _address(settings: Settings, *, local: bool = False) -> str:
    """Where the app answers. local: seen from this machine, where listening on every address means its own."""
    host = settings.host.strip("[]")
    if local and host in {"0.0.0.0", "::"}:  # noqa: S104
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
