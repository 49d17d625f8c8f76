"""What the staff's pages share: a page is named regions of HTML, made on the server and put in place by one script.

Each thing that can be done is a Gradio event of its own whose handler checks the role, does it, and answers with the regions as they are
then. Everything that people, models or documents wrote is escaped here, on the server. The browser keeps where one is (the address's
part after #), so that a reload comes back to it; what there is comes from the database every time.
"""

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import gradio as gr
from fastapi import FastAPI
from starlette.responses import RedirectResponse

from bot.errors import NotYours
from ui.accounts import Role, User
from ui.errors import failure
from ui.languages import LANGUAGE_COOKIE, PageLanguage, language_of, page_texts
from ui.roles import allowed, user_of
from ui.theme import static, theme

_log = logging.getLogger(__name__)
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
# Without the referrer policy a browser would not say that a form comes from our own page.
_META = '<meta name="color-scheme" content="light dark"><meta name="referrer" content="same-origin">'
_LONGEST = 100_000  # characters of one field
_FRAME = """
<div class="staff">
  <header data-region="top"></header>
  <section data-region="alerts" role="status"></section>
  <div class="body">
    <section data-region="side"></section>
    <main><div data-region="main"></div><div data-region="foot"></div></main>
    <section data-region="more"></section>
  </div>
  <div class="toast" role="status" hidden></div>
  <dialog class="sure" aria-labelledby="sure-asked"><form method="dialog"><p id="sure-asked"></p><p id="sure-means"></p>
    <div class="acts"><button value="no"></button><button value="yes" class="primary"></button></div></form></dialog>
</div>
"""
_BLANK = {"side": "", "foot": "", "more": ""}
_UNEXPECTED = "Unexpected "  # how a failure begins that is for the log alone


@dataclass(frozen=True, slots=True)
class Ask:
    """What a browser sent. place: where it is, e.g. {"tab": "inbox"}; handlers may change it. data: the fields of what was pressed.

    files: uploads, each a name and where it lies.
    zone: of the browser's clock. quiet: the page only looks again by itself. answers: what an action found out, to be shown.
    """

    user: User
    language: PageLanguage
    words: Mapping[str, str]
    place: dict[str, str]
    data: dict[str, str]
    files: tuple[tuple[str, Path], ...] = ()
    zone: str = "UTC"
    quiet: bool = False
    answers: list[dict[str, Any]] = field(default_factory=list)


class Panels(Protocol):
    """A page: its name (of its texts and its address), and its regions for where somebody is.

    head: what stands around the panels, and stays in reach where one fails. regions: the panel's own; one that is left out stays as it is.
    """

    name: str

    def head(self, ask: Ask) -> dict[str, str]: ...

    def regions(self, ask: Ask) -> dict[str, str]: ...


Act = Callable[[Any, Ask], str | None]


class Kept(str):
    """What is told until it is closed. secret: a password or a key that is shown only once, to be copied."""

    __slots__ = ("secret",)
    secret: str

    def __new__(cls, text: str, secret: str = "") -> "Kept":
        made = super().__new__(cls, text)
        made.secret = secret
        return made


def action(role: Role) -> Callable[[Act], Callable[..., Any]]:
    """Make a method that does something, and returns what to tell, the handler of an event for `role` and above."""

    def decorate(act: Act) -> Callable[..., Any]:
        def handler(self: Panels, event: gr.EventData, request: gr.Request) -> Any:
            ask, seen, asked = _ask(self.name, event, request, role)
            said, wrong = "", False
            try:
                said = act(self, ask) or ""
            except NotYours as error:
                said, wrong = ask.words["not_yours"].format(who=error.holder or "—"), True
            except Exception as error:  # noqa: BLE001  (whatever it is, it is told in words)
                told = failure(error)
                said, wrong = str(told), True
                if str(told).startswith(_UNEXPECTED):
                    _log.exception("an action of a page failed")
                    said = ask.words["went_wrong"]
            regions, shown = _regions(self, ask)
            view = {
                "regions": regions,
                "place": ask.place,
                "language": ask.language,
                "said": said,
                "wrong": wrong or not shown,
                "keep": isinstance(said, Kept),
                "secret": said.secret if isinstance(said, Kept) else "",
                "did": "" if wrong else act.__name__,
            }
            view["digest"] = hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()[:16]
            if view["digest"] == seen and not said:
                return gr.skip()
            fresh = {"asked": asked, "turn": time.monotonic_ns()}  # a browser is told of a value only where it is a new one
            return {**view, **_fixed(ask), **fresh}

        handler.__name__, handler.__doc__ = act.__name__, act.__doc__
        return allowed(role)(handler)

    return decorate


def _regions(panels: Panels, ask: Ask) -> tuple[dict[str, str], bool]:
    """The page as it is, and whether its panel could be made; one that cannot says so in its place, and the others stay in reach."""
    head: dict[str, str] = {}
    try:
        head = panels.head(ask)
        return head | panels.regions(ask), True
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told in words)
        _log.exception("a panel of /%s cannot be shown", panels.name)
        return _BLANK | head | {"main": _failed(ask, str(failure(error)))}, False


def _failed(ask: Ask, told: str) -> str:
    words = ask.words
    why = words["panel_failed_hint"] if told.startswith(_UNEXPECTED) else told
    again = f'<p class="again"><button type="button" data-keep data-go="{{}}">{e(words["try_again"])}</button></p>'
    return f'<div class="page" role="alert">{empty(words["panel_failed"], why)}{again}</div>'


def staff_page(panels: Any, actions: Sequence[str], *scripts: str) -> gr.Blocks:
    """Build the page. actions: the names of the methods of `panels` that browsers may call; `show` is the first look.

    scripts: of this page alone, in the same scope after the one that all share.
    """
    files = ("told.js", "staff.js", *scripts)
    script = "\n".join((f"const actions = new Set({json.dumps(list(actions))});", *map(static, files)))
    with gr.Blocks(title="Answerdesk", analytics_enabled=False, fill_width=True) as demo:
        page = gr.HTML(None, elem_id="staff", html_template=_FRAME, js_on_load=script, apply_default_css=False)
        for name in actions:
            listen = getattr(page, name)
            listen(
                getattr(panels, name), None, page, queue=False, trigger_mode="multiple", api_visibility="private", show_progress="hidden"
            )
    demo.queue(max_size=64, default_concurrency_limit=8)
    demo.has_launched = True  # without it a mounted page serves any file of the machine to whoever names it in an upload
    return demo


def mount_staff(
    fastapi: FastAPI, demo: gr.Blocks, path: str, role: Role, *, data_dir: Path, max_file_bytes: int = 1, styles: Sequence[str] = ()
) -> None:
    """Mount a page of the staff. `ui.guards.SignedIn` stands before it; Gradio asks again. styles: files beside the staff's own."""
    looks = "".join(map(static, ("palette.css", "staff.css", *styles)))

    def who(request: Any) -> str | None:
        try:
            return user_of(gr.Request(request), role).name
        except PermissionError:
            return None

    @fastapi.get(path)
    async def slash() -> RedirectResponse:
        return RedirectResponse(f"{path}/", 307)

    gr.mount_gradio_app(
        fastapi,
        demo,
        path=path,
        auth_dependency=who,
        theme=theme(),
        head=f"{_META}<style>{looks}</style>",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        max_file_size=max_file_bytes,
        allowed_paths=[],
        blocked_paths=[str(data_dir.resolve())],
    )


def top(ask: Ask, tabs: Sequence[str], links: Sequence[str]) -> str:
    """The page's head: its tabs (none where a `rail` has them), the other pages, who is signed in, the language."""
    items = f'<nav aria-label="{e(ask.words["title"])}">{_tabs(ask, tabs)}</nav>' if tabs else ""
    others = "".join(f'<a href="/{link}">{e(ask.words[f"to_{link}"])}</a>' for link in links)
    other = "en" if ask.language == "zh" else "zh"
    return (
        f'<h1><span class="avatar"></span>{e(ask.words["title"])}</h1>{items}'
        f'<div class="me">{others}<span class="who">{e(ask.user.shown)}</span>'
        f'<button type="button" data-language="{other}">{e(ask.words["other_language"])}</button>'
        f'<form method="post" action="/login/out"><button type="submit">{e(ask.words["sign_out"])}</button></form></div>'
    )


def rail(ask: Ask, groups: Mapping[str, Sequence[str]]) -> str:
    """The tabs of a page with many, by the name of their group, at the side of it; in a row on a phone."""
    made = "".join(f"<div><p>{e(ask.words[f'group_{name}'])}</p>{_tabs(ask, tabs)}</div>" for name, tabs in groups.items())
    return f'<nav class="rail" aria-label="{e(ask.words["title"])}">{made}</nav>'


def _tabs(ask: Ask, tabs: Sequence[str]) -> str:
    here = ask.place.get("tab", "")
    return "".join(
        f'<a href="#tab={tab}" data-go=\'{{"tab":"{tab}"}}\'{" aria-current=page" if tab == here else ""}>{e(ask.words[f"tab_{tab}"])}</a>'
        for tab in tabs
    )


def e(text: object) -> str:
    """Escaped for HTML, in text and in attributes."""
    return escape(str(text), quote=True)


def moment(iso: str | None) -> str:
    """A time, put by the page's script into the reader's own zone and language."""
    return f'<time datetime="{e(iso)}">{e(iso[:16].replace("T", " "))}</time>' if iso else ""


def empty(title: str, text: str = "") -> str:
    """What a panel shows when there is nothing in it."""
    return f'<div class="empty"><strong>{e(title)}</strong><p>{e(text)}</p></div>'


def button(do: str, label: str, kind: str = "", **data: object) -> str:
    """Does `do` with `data` when it is pressed. `sure` in it: asked before, the question and in further lines what it means."""
    more = "".join(f' data-{name}="{e(value)}"' for name, value in data.items())
    return f'<button type="button" class="{kind}" data-do="{do}"{more}>{e(label)}</button>'


def _fixed(ask: Ask) -> dict[str, Any]:
    names = ("title", "offline", "cancel", "copy", "copied", "done", "notify_denied", "upload_failed")
    return {"words": {name: ask.words.get(name, "") for name in names}, "cookie": LANGUAGE_COOKIE}


def _ask(page: str, event: gr.EventData, request: gr.Request, role: Role) -> tuple[Ask, str, int]:
    sent = event._data if isinstance(event._data, dict) else {}  # noqa: SLF001  (its attributes raise on what the browser left out)
    language = language_of(request.request.cookies, request.request.headers.get("accept-language", ""))
    uploaded = [(file.get("name"), file.get("path")) for file in sent.get("files", ()) if isinstance(file, dict)]
    files = tuple((Path(name).name, Path(path)) for name, path in uploaded if isinstance(name, str) and isinstance(path, str))
    words = page_texts(page, language)
    seen = str(sent.get("seen") or "")
    place, data = _texts(sent.get("place")), _texts(sent.get("data"))
    number = sent.get("asked")  # of what the browser asked for: it leaves what comes of an earlier thing aside
    asked = number if isinstance(number, int) else 0
    return Ask(user_of(request, role), language, words, place, data, files, _zone(sent.get("zone")), quiet=bool(seen)), seen, asked


def _zone(sent: object) -> str:
    """The browser's zone, UTC where it names none that there is."""
    try:
        return ZoneInfo(str(sent)[:60]).key
    except (KeyError, ValueError, OSError):
        return "UTC"


def _texts(sent: object) -> dict[str, str]:
    """Short texts by name, whatever the browser sent."""
    if not isinstance(sent, dict):
        return {}
    return {str(name)[:40]: _NOT_TEXT.sub("", value[:_LONGEST]) for name, value in list(sent.items())[:40] if isinstance(value, str)}
