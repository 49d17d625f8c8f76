from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from ui import audit
from ui.accounts import IDLE, LONGEST, TRIES, TRIES_WITHIN, Accounts, SignInRefused
from ui.database import migrate, open_engine
from ui.errors import Failure
from ui.tables import sessions, tries, users


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def accounts(engine: Engine) -> Accounts:
    return Accounts(engine)


def shift(engine: Engine, by: timedelta) -> None:
    """Let time pass for all sessions and tries."""
    with engine.begin() as connection:
        for table, columns in ((sessions, ("created", "seen")), (tries, ("at",))):
            for row in connection.execute(select(table)).mappings().all():
                key = next(iter(table.primary_key))
                connection.execute(update(table).where(key == row[key.name]).values({name: row[name] - by for name in columns}))


def test_the_first_admin_gets_a_password_once(accounts: Accounts):
    password = accounts.first_admin()
    assert password
    assert accounts.first_admin() is None
    user = accounts.who(accounts.sign_in("Admin ", password))
    assert user
    assert (user.name, user.role, user.must_change) == ("admin", "admin", True)


def test_the_first_admins_password_may_come_from_outside(accounts: Accounts):
    assert accounts.first_admin("from the settings") is None
    user = accounts.who(accounts.sign_in("admin", "from the settings"))
    assert user
    assert not user.must_change
    assert accounts.first_admin("another one, later") is None


def test_passwords_are_kept_as_argon2_hashes_only(accounts: Accounts, engine: Engine):
    password = accounts.add("anna", "lead", "Anna")
    token = accounts.sign_in("anna", password)
    with engine.connect() as connection:
        kept = connection.scalar(select(users.c.password))
        assert kept
        assert kept.startswith("$argon2id$")
        assert password not in kept
        assert connection.scalar(select(sessions.c.sha256)) != token


@pytest.mark.parametrize(
    ("name", "role", "shown"),
    [("", "lead", ""), ("A b", "lead", ""), ("x" * 65, "lead", ""), ("x", "customer", ""), ("x", "lead", "n" * 61)],
)
def test_what_is_no_user_is_refused(accounts: Accounts, name: str, role: str, shown: str):
    with pytest.raises(Failure, match="allowed"):
        accounts.add(name, role, shown)
    assert accounts.list() == []


def test_five_wrong_passwords_shut_the_door_for_a_quarter_of_an_hour(accounts: Accounts, engine: Engine):
    password = accounts.add("anna", "lead")
    for _ in range(TRIES):
        with pytest.raises(SignInRefused) as refused:
            accounts.sign_in("anna", "wrong")
        assert refused.value.minutes is None
    with pytest.raises(SignInRefused) as refused:
        accounts.sign_in("anna", password)
    assert refused.value.minutes == 15
    accounts.add("ben", "lead")  # nobody else is shut out
    shift(engine, TRIES_WITHIN + timedelta(seconds=1))
    assert accounts.who(accounts.sign_in("anna", password))


def test_a_name_that_nobody_has_is_refused_in_the_same_way(accounts: Accounts):
    for expected in [None] * TRIES + [15]:
        with pytest.raises(SignInRefused) as refused:
            accounts.sign_in("nobody", "wrong")
        assert refused.value.minutes == expected


def test_signing_in_forgets_the_tries_before(accounts: Accounts):
    password = accounts.add("anna", "lead")
    for _ in range(3):
        for _ in range(TRIES - 1):
            with pytest.raises(SignInRefused):
                accounts.sign_in("anna", "wrong")
        accounts.sign_in("anna", password)


def test_a_session_ends_unused_and_in_any_case_after_half_a_day(accounts: Accounts, engine: Engine):
    token = accounts.sign_in("anna", accounts.add("anna", "lead"))
    for _ in range(int(LONGEST / (IDLE - timedelta(minutes=1)))):
        shift(engine, IDLE - timedelta(minutes=1))
        assert accounts.who(token)
    shift(engine, IDLE - timedelta(minutes=1))
    assert accounts.who(token) is None
    other = accounts.sign_in("ben", accounts.add("ben", "lead"))
    shift(engine, IDLE + timedelta(seconds=1))
    assert accounts.who(other) is None


def test_who_is_shut_out_is_out_at_once(accounts: Accounts):
    accounts.first_admin("a long password")
    password = accounts.add("anna", "lead")
    token = accounts.sign_in("anna", password)
    accounts.disable("anna")
    assert accounts.who(token) is None
    with pytest.raises(SignInRefused):
        accounts.sign_in("anna", password)
    accounts.disable("anna", disabled=False)
    assert accounts.who(accounts.sign_in("anna", password))
    with pytest.raises(Failure, match="last admin"):
        accounts.disable("admin")


def test_a_new_password_ends_the_other_sessions(accounts: Accounts):
    password = accounts.add("anna", "lead")
    here, there = accounts.sign_in("anna", password), accounts.sign_in("anna", password)
    with pytest.raises(SignInRefused):
        accounts.change_password("anna", "wrong", "a password of my own")
    for bad in ("short", "x" * 201, password):
        with pytest.raises(Failure):
            accounts.change_password("anna", password, bad, here)
    accounts.change_password("anna", password, "a password of my own", here)
    user = accounts.who(here)
    assert user
    assert not user.must_change
    assert accounts.who(there) is None
    assert accounts.reset("anna") != password
    assert accounts.who(here) is None


def test_the_audit_log_has_the_newest_first(engine: Engine):
    for number in range(3):
        audit.record(engine, "anna", "users.add", f"user {number}")
    found = audit.entries(engine, 2)
    assert [entry.about for entry in found] == ["user 2", "user 1"]
    assert datetime.now(UTC) - found[0].at < timedelta(minutes=1)
