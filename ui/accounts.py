"""Who may sign in, and who is signed in. Passwords as argon2id hashes, sessions on the server; the browser has a random token only.

Every call is one short transaction, or two where a password is checked between them: that takes tens of milliseconds.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, Row, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from ui.errors import Failure
from ui.tables import sessions, tries, users

Role = Literal["customer", "lead", "admin"]
STAFF: tuple[Role, ...] = ("lead", "admin")
RANK = {role: rank for rank, role in enumerate(get_args(Role))}

IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)  # how long a session lives unused, and at all
TRIES, TRIES_WITHIN = 5, timedelta(minutes=15)
SHORTEST, LONGEST_PASSWORD = 10, 200  # characters of a password
_SEEN_STEP = timedelta(minutes=1)  # that a session was used is written at most this often
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_SPECIAL = re.compile(r"[^a-z0-9._@-]+")
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's parameters for argon2id
# Checked where there is no such user, so that the time an answer takes does not tell who there is.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$akbupHJZjbSReL49rWnGSw$+SH5h5ykbRnay8EsWBN9GgBGMk/WY42FMyO4ecJaG1E"


class SignInRefused(Exception):
    """Wrong name or password, or too many wrong ones. minutes: until the next try counts, None when at once."""

    def __init__(self, minutes: int | None = None) -> None:
        super().__init__(f"too many failed tries; wait {minutes} minutes" if minutes else "the name or the password is wrong")
        self.minutes = minutes


@dataclass(frozen=True, slots=True)
class User:
    """Someone who may sign in. shown: how customers read the name. must_change: the password is a one-time one."""

    name: str
    role: Role
    shown: str
    must_change: bool
    disabled: bool
    created: datetime
    last_seen: datetime | None


class Accounts:
    """Users and their sessions. Thread-safe; any number of processes may share one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin

    def first_admin(self, password: str = "") -> str | None:
        """Make the user `admin` where there is no user at all; returns the one-time password, None when there is nothing to tell."""
        with self._read() as connection:
            if connection.scalar(select(func.count()).select_from(users)):
                return None
        if password:
            self._insert("admin", "admin", "Admin", _checked(password, "admin"), must_change=False)
            return None
        return self.add("admin", "admin", "Admin")

    def add(self, name: str, role: str, shown: str = "") -> str:
        """Make a user and return their one-time password. Raises `Failure` for a name or role that is not allowed."""
        if role not in STAFF:
            raise Failure(f"role is {role!r}; allowed: {', '.join(STAFF)}.", 2)
        if not _NAME.fullmatch(name):
            raise Failure(f"name is {name[:80]!r}; allowed: 1 to 64 of a-z, 0-9, . _ @ and -, beginning with a letter or digit.", 2)
        shown = shown.strip() or name
        if len(shown) > 60 or not shown.isprintable():
            raise Failure(f"the shown name is {shown[:80]!r}; allowed: up to 60 printable characters.", 2)
        password = _one_time()
        self._insert(name, role, shown, password, must_change=True)
        return password

    def list(self) -> list[User]:
        """All users, by name."""
        with self._read() as connection:
            return [_user(row) for row in connection.execute(select(users).order_by(users.c.name))]

    def get(self, name: str) -> User:
        """A user. Raises `Failure` when there is none of that name."""
        with self._read() as connection:
            row = connection.execute(select(users).where(users.c.name == name)).one_or_none()
        if row is None:
            known = ", ".join(user.name for user in self.list()) or "none"
            raise Failure(f"There is no user {name[:80]!r}; there are: {known}.", 2)
        return _user(row)

    def disable(self, name: str, *, disabled: bool = True) -> None:
        """Shut a user out, at once, or let them in again. The last admin stays."""
        user = self.get(name)
        admins = select(func.count()).select_from(users).where(users.c.role == "admin", users.c.disabled.is_(False))
        with self._engine.begin() as connection:
            if disabled and user.role == "admin" and not user.disabled and connection.scalar(admins) == 1:
                raise Failure(f"{name!r} is the last admin who can sign in. Add another one first.", 2)
            connection.execute(update(users).where(users.c.name == name).values(disabled=disabled))
            connection.execute(delete(sessions).where(sessions.c.user == name))

    def reset(self, name: str) -> str:
        """A new one-time password; the old one and all of the user's sessions end."""
        self.get(name)
        with self._read() as connection:
            if connection.scalar(select(users.c.subject).where(users.c.name == name)):
                raise Failure(f"{name!r} signs in at the issuer of single sign-on and has no password here; change it there.", 2)
        password = _one_time()
        hashed = _hasher.hash(password)
        with self._engine.begin() as connection:
            connection.execute(update(users).where(users.c.name == name).values(password=hashed, must_change=True))
            connection.execute(delete(sessions).where(sessions.c.user == name))
            connection.execute(delete(tries).where(tries.c.name == name))
        return password

    def sign_in(self, name: str, password: str) -> str:
        """A new session's token. Raises `SignInRefused`; a wrong name and a wrong password are told alike, and count alike."""
        name = name.strip().lower()[:64]
        now = _now()
        with self._engine.begin() as connection:
            within = (tries.c.name == name, tries.c.at > now - TRIES_WITHIN)
            failed, first = connection.execute(select(func.count(), func.min(tries.c.at)).where(*within)).one()
            if failed >= TRIES:
                raise SignInRefused(max(1, round((first + TRIES_WITHIN - now).total_seconds() / 60)))
            # Counted before it is checked: many at once are not more than one after the other.
            connection.execute(tries.insert().values(name=name, at=now))
            connection.execute(delete(tries).where(tries.c.at < now - TRIES_WITHIN))
            row = connection.execute(select(users).where(users.c.name == name, users.c.disabled.is_(False))).one_or_none()
        if not _fits(row.password if row else _NOBODY, password) or row is None:
            raise SignInRefused
        token = secrets.token_urlsafe(32)
        with self._engine.begin() as connection:
            connection.execute(delete(tries).where(tries.c.name == name))
            connection.execute(delete(sessions).where(sessions.c.created < now - LONGEST))
            connection.execute(sessions.insert().values(sha256=_sha256(token), user=name, created=now, seen=now))
            connection.execute(update(users).where(users.c.name == name).values(last_seen=now))
        return token

    def enter(self, subject: str, name: str, shown: str, role: Role) -> tuple[str, str, bool]:
        """A new session for somebody whom the issuer of single sign-on stands for: its token, the user's name, and whether they are new.

        They are known by `subject` alone: the name of an account that is there already is never taken over. Raises `Failure` where it is
        not allowed, `SignInRefused` for somebody who was shut out.
        """
        now = _now()
        with self._engine.begin() as connection:
            row = connection.execute(select(users).where(users.c.subject == subject)).one_or_none()
            if row is not None and row.disabled:
                raise SignInRefused
            if row is not None:
                connection.execute(update(users).where(users.c.name == row.name).values(role=role, last_seen=now))
        if row is None:
            name = _SPECIAL.sub("-", name.strip().lower()).strip("-._@")[:64]
            shown = "".join(letter for letter in shown if letter.isprintable()).strip()[:60] or name
            if not _NAME.fullmatch(name):
                raise Failure(f"The issuer names nobody who could be a user: {name!r}.", 2)
            self._insert(name, role, shown, None, must_change=False, subject=subject)
        token, known = secrets.token_urlsafe(32), row.name if row is not None else name
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.created < now - LONGEST))
            connection.execute(sessions.insert().values(sha256=_sha256(token), user=known, created=now, seen=now))
        return token, known, row is None

    def who(self, token: str) -> User | None:
        """Whose session it is; None when there is none, or it was unused for too long, or is too old."""
        key, now = _sha256(token), _now()
        query = select(users, sessions.c.created.label("began"), sessions.c.seen).join(sessions, sessions.c.user == users.c.name)
        with self._read() as connection:
            row = connection.execute(query.where(sessions.c.sha256 == key, users.c.disabled.is_(False))).one_or_none()
        if row is None:
            return None
        if now - row.seen > IDLE or now - row.began > LONGEST:
            self.sign_out(token)
            return None
        if now - row.seen > _SEEN_STEP:
            with self._engine.begin() as connection:
                connection.execute(update(sessions).where(sessions.c.sha256 == key).values(seen=now))
                connection.execute(update(users).where(users.c.name == row.name).values(last_seen=now))
        return _user(row)

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.sha256 == _sha256(token)))

    def change_password(self, name: str, old: str, new: str, token: str = "") -> None:
        """Set a password of one's own; the user's sessions but this one end. Raises `SignInRefused` or `Failure`."""
        with self._read() as connection:
            hashed = connection.scalar(select(users.c.password).where(users.c.name == name))
        if not _fits(hashed or _NOBODY, old):
            raise SignInRefused
        if new == old:
            raise Failure("The new password is the old one. Choose another.", 2)
        hashed = _hasher.hash(_checked(new, name))
        with self._engine.begin() as connection:
            connection.execute(update(users).where(users.c.name == name).values(password=hashed, must_change=False))
            connection.execute(delete(sessions).where(sessions.c.user == name, sessions.c.sha256 != _sha256(token)))

    def _insert(self, name: str, role: Role, shown: str, password: str | None, *, must_change: bool, subject: str | None = None) -> None:
        """password: None for somebody who cannot sign in with one."""
        row = {"name": name, "role": role, "shown": shown, "must_change": must_change, "subject": subject}
        row["password"] = "" if password is None else _hasher.hash(password)
        try:
            with self._engine.begin() as connection:
                connection.execute(users.insert().values(**row, disabled=False, created=_now()))
        except IntegrityError:
            raise Failure(f"There already is a user {name!r}; choose another name.", 2) from None


def _fits(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False


def _checked(password: str, name: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST_PASSWORD or password.lower() == name:
        raise Failure(
            f"The password has {len(password)} characters; allowed: {SHORTEST} to {LONGEST_PASSWORD}, and not the user's name.", 2
        )
    return password


def _one_time() -> str:
    return secrets.token_urlsafe(12)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)


def _user(row: Row[Any]) -> User:
    return User(row.name, row.role, row.shown, row.must_change, row.disabled, row.created, row.last_seen)
