"""`/login`: sign in, choose a password of one's own, sign out. Plain forms, which need no script."""

from collections.abc import Mapping
from html import escape
from typing import Any

import structlog
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ui import audit
from ui.accounts import LONGEST, LONGEST_PASSWORD, RANK, SHORTEST, Accounts, Role, SignInRefused, User
from ui.errors import Failure
from ui.guards import SESSION_COOKIE, same_origin
from ui.languages import LANGUAGE_COOKIE, PageLanguage, language_of, page_texts
from ui.theme import static

_log = structlog.get_logger("signin")


def add_signin(web: FastAPI, engine: Engine, pages: Mapping[str, Role], *, secure: bool) -> None:
    """The routes. They stand behind `ui.guards.SignedIn`. pages: where one may go from here, and which role that takes."""
    accounts = Accounts(engine)

    @web.get("/login")
    async def form(request: Request) -> Response:
        words = _words(request)
        return _page(request, _form(words) if _user(request) is None else _account(request, pages, words))

    @web.post("/login")
    async def sign_in(request: Request) -> Response:
        words, sent = _words(request), await request.form(max_files=0, max_fields=10)
        if not same_origin(request.scope, request.headers):
            return _page(request, _form(words, words["foreign"]), 403)
        name = str(sent.get("name", ""))[:64]
        try:
            token = await run_in_threadpool(accounts.sign_in, name, str(sent.get("password", "")))
        except SignInRefused as refused:
            _log.warning("sign-in refused", throttled=refused.minutes is not None)
            told = words["throttled"].format(minutes=refused.minutes) if refused.minutes else words["wrong"]
            return _page(request, _form(words, told, name), 429 if refused.minutes else 403)
        user = await run_in_threadpool(accounts.who, token)
        response = RedirectResponse("/login" if user is None or user.must_change else _first(user, pages), 303)
        response.set_cookie(SESSION_COOKIE, token, int(LONGEST.total_seconds()), httponly=True, samesite="lax", secure=secure)
        return response

    @web.post("/login/password")
    async def change(request: Request) -> Response:
        words, user, sent = _words(request), _user(request), await request.form(max_files=0, max_fields=10)
        if user is None or not same_origin(request.scope, request.headers):
            return RedirectResponse("/login", 303)
        old, new, again = (str(sent.get(field, "")) for field in ("old", "new", "again"))
        if new != again:
            return _page(request, _account(request, pages, words, words["differ"]), 400)
        try:
            await run_in_threadpool(accounts.change_password, user.name, old, new, request.state.session)
        except SignInRefused:
            return _page(request, _account(request, pages, words, words["wrong"]), 403)
        except Failure:
            return _page(request, _account(request, pages, words, words["too_short"].format(shortest=SHORTEST)), 400)
        await run_in_threadpool(audit.record, engine, user.name, "users.password", user.name)
        return RedirectResponse(_first(user, pages), 303)

    @web.post("/login/out")
    async def sign_out(request: Request) -> Response:
        if same_origin(request.scope, request.headers):
            await run_in_threadpool(accounts.sign_out, request.state.session)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(SESSION_COOKIE)
        return response


def _user(request: Request) -> User | None:
    user = request.state.user
    return user if isinstance(user, User) else None


def _open_to(user: User, pages: Mapping[str, Role]) -> list[str]:
    return [page for page, role in pages.items() if RANK[user.role] >= RANK[role]]


def _first(user: User, pages: Mapping[str, Role]) -> str:
    return next(iter(_open_to(user, pages)), "/login")


def _language(request: Request) -> PageLanguage:
    return language_of(request.cookies, request.headers.get("accept-language", ""))


def _words(request: Request) -> Mapping[str, str]:
    return page_texts("signin", _language(request))


def _form(words: Mapping[str, str], wrong: str = "", name: str = "") -> str:
    name_field = _field("name", words["name"], "text", "username", value=name, maxlength=64, autocapitalize="none", spellcheck="false")
    password = _field("password", words["password"], "password", "current-password", maxlength=LONGEST_PASSWORD)
    button = f'<button type="submit" class="primary">{_e(words["submit"])}</button>'
    return (
        f"<h1>{_e(words['title'])}</h1><p>{_e(words['intro'])}</p>{_alert(wrong)}"
        f'<form method="post" action="/login">{name_field}{password}{button}</form>'
    )


def _account(request: Request, pages: Mapping[str, Role], words: Mapping[str, str], wrong: str = "") -> str:
    user = request.state.user
    intro = words["change_intro" if user.must_change else "change_again"].format(name=user.name)
    links = "" if user.must_change else "".join(f'<a href="{page}">{_e(words[page[1:]])}</a>' for page in _open_to(user, pages))
    hint = f'<p class="field-hint" id="hint">{_e(words["new_hint"].format(shortest=SHORTEST))}</p>'
    fields = (
        _field("old", words["old"], "password", "current-password", maxlength=LONGEST_PASSWORD)
        + _field("new", words["new"], "password", "new-password", maxlength=LONGEST_PASSWORD, minlength=SHORTEST, aria_describedby="hint")
        + hint
        + _field("again", words["again"], "password", "new-password", maxlength=LONGEST_PASSWORD, minlength=SHORTEST)
    )
    button = f'<button type="submit" class="primary">{_e(words["change_submit"])}</button>'
    out = f'<form method="post" action="/login/out"><button type="submit" class="quiet">{_e(words["sign_out"])}</button></form>'
    return (
        f"<h1>{_e(words['change_title'])}</h1><p>{_e(intro)}</p><nav>{links}</nav>{_alert(wrong)}"
        f'<form method="post" action="/login/password">{fields}{button}</form>{out}'
    )


def _field(name: str, label: str, kind: str, complete: str, **more: Any) -> str:
    extra = "".join(f' {key.replace("_", "-")}="{_e(str(value))}"' for key, value in more.items())
    return (
        f'<label for="{name}">{_e(label)}</label><input id="{name}" name="{name}" type="{kind}" autocomplete="{complete}" required{extra}>'
    )


def _alert(text: str) -> str:
    return f'<p class="alert" role="alert">{_e(text)}</p>' if text else ""


def _page(request: Request, body: str, status: int = 200) -> HTMLResponse:
    language = _language(request)
    words, other = page_texts("signin", language), "en" if language == "zh" else "zh"
    # Light or dark as the system has it, and the other language: the only two things that a script does here.
    script = (
        "if (matchMedia('(prefers-color-scheme: dark)').matches) document.documentElement.classList.add('dark');"
        "document.querySelector('#language').onclick = () => {"
        f"document.cookie = '{LANGUAGE_COOKIE}={other}; path=/; max-age=31536000; SameSite=Lax'; location.assign('/login'); }};"
    )
    switch = f'<button type="button" id="language" class="quiet">{_e(words["other_language"])}</button>'
    return HTMLResponse(
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        '<meta name="referrer" content="same-origin">'
        f'<title>Answerdesk · {_e(words["title"])}</title><link rel="icon" href="data:,">'
        f"<style>{static('palette.css')}{static('signin.css')}</style></head>"
        f'<body><main><span class="avatar"></span>{body}{switch}</main><script>{script}</script></body></html>',
        status,
        {"Cache-Control": "no-store"},
    )


def _e(text: str) -> str:
    return escape(text, quote=True)
