"""Every handler of every page, found by itself, called as nobody, customer, lead and admin: directly, by its name and by its number."""

import inspect
from collections.abc import Iterator
from typing import Any, cast

import gradio as gr
import pytest
from starlette.requests import Request as WebRequest
from starlette.testclient import TestClient

from tests.threads import Stepped
from tests.ui.shop import PASSWORD, Shop, shop, user, web
from ui import admin, desk
from ui.accounts import RANK, Accounts, Role
from ui.admin import AdminPanels
from ui.customer import customer_page
from ui.desk import DeskPanels
from ui.panels import staff_page
from ui.roles import allowed

PAGES: dict[str, Role] = {"/": "customer", "/desk/": "lead", "/admin/": "admin"}
CALLERS = ("nobody", "customer", "lead", "admin")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = shop(tmp_path_factory.mktemp("roles"))
    user(made, "lead", "lead", "Lead")
    user(made, "admin", "admin", "Admin")
    return made


@pytest.fixture(scope="module")
def pages(app: Shop) -> dict[str, gr.Blocks]:
    whole = cast("Any", app)
    return {
        "/": customer_page(app),
        "/desk/": staff_page(DeskPanels(whole), desk.ACTIONS),
        "/admin/": staff_page(AdminPanels(whole), admin.ACTIONS),
    }


@pytest.fixture(scope="module")
def clients(app: Shop) -> Iterator[dict[str, TestClient]]:
    served = web(app)
    made = {caller: TestClient(served, base_url="http://127.0.0.1", raise_server_exceptions=False) for caller in CALLERS}
    with made["nobody"]:
        for caller in ("lead", "admin"):
            assert made[caller].post("/login", data={"name": caller, "password": PASSWORD}, follow_redirects=False).status_code == 303
        yield made


def handlers(demo: gr.Blocks) -> list[tuple[int, Any]]:
    return [(number, fn) for number, fn in demo.fns.items() if fn.fn is not None]


@pytest.mark.parametrize("page", PAGES)
def test_every_handler_says_which_role_it_takes(pages: dict[str, gr.Blocks], page: str):
    found = handlers(pages[page])
    assert len(found) >= 5
    assert {getattr(fn.fn, "role", None) for _, fn in found} == {PAGES[page]}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("page", PAGES)
def test_a_handler_itself_lets_nobody_in_who_may_not(app: Shop, pages: dict[str, gr.Blocks], page: str, caller: str):
    state = {"customer": "someone"} if caller == "customer" else {}
    if caller in ("lead", "admin"):
        state = {"user": Accounts(app.engine).get(caller), "customer": caller}
    request = gr.Request(WebRequest({"type": "http", "headers": [], "state": state}))
    may = caller != "nobody" and RANK[cast("Role", caller)] >= RANK[PAGES[page]]
    for _, fn in handlers(pages[page]):
        given = {"event": gr.EventData(None, {}), "request": request}
        arguments = [given[name] for name in inspect.signature(fn.fn).parameters]
        if may:
            _run(fn.fn(*arguments))
        else:
            with pytest.raises(PermissionError):
                _run(fn.fn(*arguments))


@pytest.mark.parametrize(
    ("page", "caller", "expected"),
    [
        *(("/desk", caller, code) for caller, code in (("nobody", 401), ("customer", 401), ("lead", 200), ("admin", 200))),
        *(("/admin", caller, code) for caller, code in (("nobody", 401), ("customer", 401), ("lead", 403), ("admin", 200))),
    ],
)
def test_no_address_of_a_staff_page_answers_who_may_not(
    pages: dict[str, gr.Blocks], clients: dict[str, TestClient], page: str, caller: str, expected: int
):
    client = clients[caller]
    if caller == "customer":
        client.get("/")
    for number, fn in handlers(pages[f"{page}/"]):
        body = {"data": [], "fn_index": number, "event_data": {}, "session_hash": f"{caller}{number}"}
        assert client.post(f"{page}/gradio_api/run/predict", json=body).status_code == expected
        named = client.post(f"{page}/gradio_api/run/{fn.api_name}", json={"data": [], "event_data": {}})
        assert named.status_code in {expected, 404, 422}
        assert named.status_code != 200 or expected == 200
    assert client.get(f"{page}/config").status_code == expected
    cancelled = {"session_hash": f"x{caller}", "fn_index": 0, "event_id": "e"}
    assert client.post(f"{page}/gradio_api/cancel", json=cancelled).status_code == expected


@pytest.mark.parametrize("page", ["", "/desk", "/admin"])
def test_no_page_serves_a_file_of_the_machine(app: Shop, clients: dict[str, TestClient], page: str):
    for path in ("/etc/passwd", str(app.settings.data_dir / "answerdesk.db")):
        assert clients["admin"].get(f"{page}/gradio_api/file={path}").status_code in {403, 404}


@pytest.mark.parametrize("page", ["", "/desk"])
def test_only_the_admin_uploads(clients: dict[str, TestClient], page: str):
    assert clients["admin"].post(f"{page}/gradio_api/upload", files={"files": ("a.txt", b"more than one byte")}).status_code >= 400


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "", "answerdesk.db"])
def test_a_file_that_was_not_uploaded_is_not_taken_in(app: Shop, path: str):
    state = {"user": Accounts(app.engine).get("admin")}
    request = gr.Request(WebRequest({"type": "http", "headers": [], "state": state}))
    sent = gr.EventData(None, {"files": [{"name": "x.txt", "path": path}]})
    view = AdminPanels(cast("Any", app)).upload_documents(sent, request)
    assert view["wrong"]
    assert "not uploaded here" in view["said"]
    assert not (app.settings.data_dir / "documents").exists()


def test_a_handler_that_cannot_know_who_asks_is_no_handler():
    with pytest.raises(TypeError, match="takes no request"):
        allowed("lead")(lambda event: event)


def _run(result: Any) -> None:
    if inspect.isasyncgen(result):
        list(Stepped(result))
    elif inspect.isgenerator(result):
        list(result)
