"""`/login`: sign in, choose a password of one's own, sign out. Plain forms, which need no script."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ui import audit
from ui.accounts import LONGEST, LONGEST_PASSWORD, RANK, SHORTEST, Accounts, Role, SignInRefused, User
from ui.errors import Failure
from ui.guards import SESSION_COOKIE, same_origin
from ui.languages import LANGUAGE_COOKIE, PageLanguage, language_of, page_texts
from ui.oidc import Sso, SsoRefused
from ui.theme import static

_ON_THE_WAY, _WAY_S = "answerdesk_sso", 600  # the cookie of a sign-in that is at the issuer, and how long it may be there
_PLACE = re.compile(r"(/[a-z]+)(?:/[\w-]+)*/?(?:\?[\w=&%.+*~-]*)?(?:#[\w=&%.+*~-]*)?", re.ASCII)
_log = structlog.get_logger("signin")


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """secret: signs what the browser keeps on the way. public_url: where the issuer sends people back; empty: as the request says."""

    client: Sso
    secret: str
    public_url: str = ""


def add_signin(web: FastAPI, engine: Engine, pages: Mapping[str, Role], *, secure: bool, single: SingleSignOn | None = None) -> None:
    """The routes. They stand behind `ui.guards.SignedIn`. pages: where one may go from here, and which role that takes."""
    accounts = Accounts(engine)
    if single:
        add_single(web, engine, pages, single, secure=secure)

    @web.get("/login")
    async def form(request: Request) -> Response:
        words, then = words_of(request), _then(request, pages)
        return _page(
            request, _form(words, single=single is not None, then=then) if _user(request) is None else _account(request, pages, words)
        )

    @web.post("/login")
    async def sign_in(request: Request) -> Response:
        words, sent = words_of(request), await request.form(max_files=0, max_fields=10)
        then = _then(request, pages)
        if not same_origin(request.scope, request.headers):
            return _page(request, _form(words, words["foreign"], then=then), 403)
        name = str(sent.get("name", ""))[:64]
        try:
            token = await run_in_threadpool(accounts.sign_in, name, str(sent.get("password", "")))
        except SignInRefused as refused:
            _log.warning("sign-in refused", throttled=refused.minutes is not None)
            told = words["throttled"].format(minutes=refused.minutes) if refused.minutes else words["wrong"]
            return _page(request, _form(words, told, name, then=then), 429 if refused.minutes else 403)
        user = await run_in_threadpool(accounts.who, token)
        response = RedirectResponse(f"/login{_query(then)}" if user is None or user.must_change else _to(user, pages, then), 303)
        response.set_cookie(SESSION_COOKIE, token, int(LONGEST.total_seconds()), httponly=True, samesite="lax", secure=secure)
        return response

    @web.post("/login/password")
    async def change(request: Request) -> Response:
        words, user, sent = words_of(request), _user(request), await request.form(max_files=0, max_fields=10)
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
        return RedirectResponse(_to(user, pages, _then(request, pages)), 303)

    @web.post("/login/out")
    async def sign_out(request: Request) -> Response:
        if same_origin(request.scope, request.headers):
            await run_in_threadpool(accounts.sign_out, request.state.session)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(SESSION_COOKIE)
        return response


def add_single(web: FastAPI, engine: Engine, pages: Mapping[str, Role], single: SingleSignOn, *, secure: bool) -> None:
    """The routes of single sign-on: to the issuer, and back from it."""
    signer = URLSafeTimedSerializer(single.secret, salt="answerdesk.sso")

    def back(request: Request) -> str:
        return f"{single.public_url or f'{request.url.scheme}://{request.url.netloc}'}/login/sso/back"

    def refused(request: Request, error: Exception, word: str, status: int) -> Response:
        _log.warning("single sign-on refused", why=str(error))
        words = words_of(request)
        return _page(request, _form(words, words[word], single=True), status)

    @web.get("/login/sso")
    async def leave(request: Request) -> Response:
        try:
            started = await run_in_threadpool(single.client.start, back(request))
        except SsoRefused as error:
            return refused(request, error, "sso_failed", 502)
        response = RedirectResponse(started.url, 303)
        kept = signer.dumps([started.state, started.nonce, started.verifier, _then(request, pages)])
        response.set_cookie(_ON_THE_WAY, kept, _WAY_S, path="/login", httponly=True, samesite="lax", secure=secure)
        return response

    @web.get("/login/sso/back")
    async def come_back(request: Request) -> Response:
        try:
            state, nonce, verifier, then = signer.loads(request.cookies.get(_ON_THE_WAY, ""), max_age=_WAY_S)
            person = await run_in_threadpool(single.client.finish, _code(request, state), back(request), nonce, verifier)
            given = (person.subject, person.name, person.shown, person.role)
            token, name, new = await run_in_threadpool(Accounts(engine).enter, *given)
        except (SsoRefused, SignInRefused, Failure, BadSignature, ValueError) as error:
            response = refused(request, error, "sso_refused", 403)
        else:
            if new:
                await run_in_threadpool(audit.record, engine, name, "users.oidc", name, person.role)
            user = await run_in_threadpool(Accounts(engine).who, token)
            response = RedirectResponse(_to(user, pages, then) if user else "/login", 303)
            response.set_cookie(SESSION_COOKIE, token, int(LONGEST.total_seconds()), httponly=True, samesite="lax", secure=secure)
        response.delete_cookie(_ON_THE_WAY, path="/login")
        return response


def _code(request: Request, state: str) -> str:
    """What the issuer sent with a browser that is back from there. Raises `SsoRefused`."""
    if not secrets.compare_digest(request.query_params.get("state", "").encode(), state.encode()):
        raise SsoRefused("the state is not that of this browser")
    if code := request.query_params.get("code", ""):
        return code
    raise SsoRefused(f"the issuer says {request.query_params.get('error', '')[:60]!r}")


def _user(request: Request) -> User | None:
    user = request.state.user
    return user if isinstance(user, User) else None


def _open_to(user: User, pages: Mapping[str, Role]) -> list[str]:
    return [page for page, role in pages.items() if RANK[user.role] >= RANK[role]]


def links(user: User, pages: Mapping[str, Role], words: Mapping[str, str]) -> list[tuple[str, str]]:
    """The pages that are open to somebody, each an address and how it is called."""
    return [(address, words[address[1:]]) for address in _open_to(user, pages)]


def _then(request: Request, pages: Mapping[str, Role]) -> str:
    """Where somebody was going who had to sign in: a place on one of our own pages, else empty."""
    asked = request.query_params.get("next", "")[:2000]
    found = _PLACE.fullmatch(asked)
    return asked if found and found[1] in pages else ""


def _to(user: User, pages: Mapping[str, Role], then: str) -> str:
    """There, where it is open to them; else to the first page that is."""
    found = _PLACE.fullmatch(then)
    return then if found and found[1] in _open_to(user, pages) else next(iter(_open_to(user, pages)), "/login")


def _query(then: str) -> str:
    return f"?next={quote(then, safe='')}" if then else ""


def _language(request: Request) -> PageLanguage:
    return language_of(request.cookies, request.headers.get("accept-language", ""))


def words_of(request: Request) -> Mapping[str, str]:
    """The texts of these pages in the reader's language."""
    return page_texts("signin", _language(request))


def _form(words: Mapping[str, str], wrong: str = "", name: str = "", *, single: bool = False, then: str = "") -> str:
    name_field = _field("name", words["name"], "text", "username", value=name, maxlength=64, autocapitalize="none", spellcheck="false")
    password = _field("password", words["password"], "password", "current-password", maxlength=LONGEST_PASSWORD)
    button = f'<button type="submit" class="primary">{_e(words["submit"])}</button>'
    sso = f'<nav><a href="/login/sso{_query(then)}">{_e(words["sso"])}</a></nav>' if single else ""
    return (
        f"<h1>{_e(words['title'])}</h1><p>{_e(words['intro'])}</p>{_alert(wrong)}"
        f'<form method="post" action="/login{_query(then)}">{name_field}{password}{button}</form>{sso}'
    )


def _account(request: Request, pages: Mapping[str, Role], words: Mapping[str, str], wrong: str = "") -> str:
    user = request.state.user
    intro = words["change_intro" if user.must_change else "change_again"].format(name=user.name)
    ways = "" if user.must_change else _ways(links(user, pages, words))
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
        f"<h1>{_e(words['change_title'])}</h1><p>{_e(intro)}</p><nav>{ways}</nav>{_alert(wrong)}"
        f'<form method="post" action="/login/password{_query(_then(request, pages))}">{fields}{button}</form>{out}'
    )


def _field(name: str, label: str, kind: str, complete: str, **more: Any) -> str:
    extra = "".join(f' {key.replace("_", "-")}="{_e(str(value))}"' for key, value in more.items())
    return (
        f'<label for="{name}">{_e(label)}</label><input id="{name}" name="{name}" type="{kind}" autocomplete="{complete}" required{extra}>'
    )


def _alert(text: str) -> str:
    return f'<p class="alert" role="alert">{_e(text)}</p>' if text else ""


def _ways(ways: Sequence[tuple[str, str]]) -> str:
    return "".join(f'<a href="{_e(address)}">{_e(name)}</a>' for address, name in ways)


def page(request: Request, title: str, text: str, ways: Sequence[tuple[str, str]], status: int) -> HTMLResponse:
    """A page that only tells something, and where one may go from there: addresses with their names."""
    return _page(request, f"<h1>{_e(title)}</h1><p>{_e(text)}</p><nav>{_ways(ways)}</nav>", status)


def _page(request: Request, body: str, status: int = 200) -> HTMLResponse:
    language = _language(request)
    words, other = page_texts("signin", language), "en" if language == "zh" else "zh"
    # Light or dark as the system has it, the other language, and the place within a page where one was going, which no server is sent.
    script = (
        "if (matchMedia('(prefers-color-scheme: dark)').matches) document.documentElement.classList.add('dark');"
        "document.querySelector('#language').onclick = () => {"
        f"document.cookie = '{LANGUAGE_COOKIE}={other}; path=/; max-age=31536000; SameSite=Lax';"
        " location.assign((location.pathname.startsWith('/login') ? '/login' : location.pathname) + location.search); };"
        'if (location.hash) for (const way of document.querySelectorAll(\'[action*="?next="], [href*="?next="]\')) {'
        " const name = way.action ? 'action' : 'href';"
        " way.setAttribute(name, way.getAttribute(name) + encodeURIComponent(location.hash)); }"
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
