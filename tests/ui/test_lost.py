"""What a browser is shown where a program would be told of an error."""

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from ui.accounts import User
from ui.languages import page_texts
from ui.lost import PlainPages

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def client() -> TestClient:
    web = FastAPI()

    @web.get("/admin")
    async def admin(request: Request) -> JSONResponse:
        request.scope.setdefault("state", {})["user"] = User("lea", "lead", "Lea", False, False, datetime.now(UTC), None)
        return JSONResponse({"detail": "This page is for the role admin; you are lead."}, 403)

    @web.get("/fine")
    async def fine() -> dict[str, str]:
        return {"state": "fine"}

    web.add_middleware(PlainPages, pages={"/desk": "lead", "/admin": "admin"})
    return TestClient(web)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_in_the_readers_language_with_a_way_on(client: TestClient, language: str):
    words, headers = page_texts("signin", "zh" if language == "zh" else "en"), {**BROWSER, "Accept-Language": language}
    closed = client.get("/admin", headers=headers)
    assert (closed.status_code, words["closed_title"] in closed.text) == (403, True)
    assert 'href="/desk"' in closed.text
    assert 'href="/admin"' not in closed.text
    lost = client.get("/no/such/<page>", headers=headers)
    assert (lost.status_code, words["lost_title"] in lost.text, "<page>" in lost.text) == (404, True, False)
    assert 'href="/"' in lost.text
    assert client.get("/fine", headers=headers).json() == {"state": "fine"}


@pytest.mark.parametrize(("path", "headers"), [("/no", {}), ("/no", {"Accept": "application/json"}), ("/v1/no", BROWSER)])
def test_programs_are_told_as_before(client: TestClient, path: str, headers: dict[str, str]):
    answer = client.get(path, headers=headers)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    assert client.post("/fine", headers=BROWSER).status_code == 405
