"""Log-ins: what wrong tries cost, when a log-in ends, what takes rights away, and passwords."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from central.accounts import AccountForm
from central.domain.words import Role
from central.errors import Forbidden, Invalid, NotFound, Refused, TooMany
from central.passwords import HASHES_AT_ONCE, HASHES_QUEUED, Passwords, check_new
from central.people import Caller, People
from central.services import Services
from central.throttle import ADDRESS_TRIES, Bucket, delay, network
from tests.service.central.office import NOW, PEOPLE, office

PASSWORD = "rahasia sekali"
HOUSE = Caller("192.0.2.7", "Firefox")
CHEAP = Passwords(PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)))
"""Real ones cost a quarter of a second each, on purpose."""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Services]:
    with office(tmp_path) as services:
        yield services


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def people(here: Services, clock: list[datetime]) -> People:
    people = People(here.store, now=lambda: clock[0], passwords=CHEAP)
    people.add("kadis", "Sri", PASSWORD, frozenset({Role.HEAD}))
    return people


def wrong(people: People, login: str = "kadis", caller: Caller = HOUSE) -> None:
    with pytest.raises(Forbidden):
        people.log_in(login, "salah", caller)


def test_wrong_passwords_delay_an_account_longer_each_time_and_never_for_good(
    people: People, clock: list[datetime]
) -> None:
    for _ in range(3):
        wrong(people)
    with pytest.raises(TooMany):
        people.log_in("kadis", PASSWORD)
    clock[0] += delay(3)
    person, token = people.log_in("kadis", PASSWORD)
    assert people.who(token) == person
    assert [delay(n).total_seconds() for n in (2, 3, 4, 5, 99)] == [0, 1, 2, 4, 900]
    wrong(people)  # the count began anew


def test_the_wait_of_an_account_tells_nothing_about_whether_it_exists(people: People) -> None:
    for login in ("kadis", "nobody at all"):
        for _ in range(3):
            wrong(people, login, Caller())
        with pytest.raises(TooMany):
            people.log_in(login, PASSWORD)


def test_an_address_that_tries_many_names_waits_too_and_others_do_not(people: People, clock: list[datetime]) -> None:
    for number in range(ADDRESS_TRIES):
        wrong(people, f"name-{number}")
    with pytest.raises(TooMany):
        people.log_in("kadis", PASSWORD, HOUSE)
    people.log_in("kadis", PASSWORD, Caller("192.0.2.8"))
    clock[0] += timedelta(hours=1, minutes=16)
    people.log_in("kadis", PASSWORD, HOUSE)
    wrong(people, "name-1")
    people.log_in("kadis", PASSWORD, HOUSE)  # forgotten: the count began anew


def test_the_wait_is_kept_over_a_restart(people: People, here: Services, clock: list[datetime]) -> None:
    for _ in range(3):
        wrong(people)
    with pytest.raises(TooMany):
        People(here.store, now=lambda: clock[0], passwords=CHEAP).log_in("kadis", PASSWORD)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_addresses_are_counted_by_house(address: str, counted: str) -> None:
    assert network(address) == counted
    assert Bucket.address(address).key == f"address:{counted}"


def test_a_log_in_ends_when_idle_when_old_when_revoked(people: People, clock: list[datetime]) -> None:
    person, token = people.log_in("kadis", PASSWORD)
    for _ in range(24):
        clock[0] += timedelta(minutes=29)
        assert people.who(token) is not None
    clock[0] += timedelta(minutes=29)
    assert people.who(token) is None  # twelve hours are over, however busy it was
    _, token = people.log_in("kadis", PASSWORD)
    clock[0] += timedelta(minutes=30)
    assert people.who(token) is None
    _, token = people.log_in("kadis", PASSWORD)
    people.revoke(person.id)
    assert people.who(token) is None
    assert people.who("made up") is None


def test_logging_in_anew_ends_what_the_browser_held_before(people: People) -> None:
    _, first = people.log_in("kadis", PASSWORD, HOUSE)
    _, second = people.log_in("kadis", PASSWORD, Caller("192.0.2.7", "Firefox", first))
    assert first != second
    assert people.who(first) is None
    assert people.who(second) is not None


def test_log_ins_are_listed_and_one_can_be_ended(people: People) -> None:
    person, first = people.log_in("kadis", PASSWORD, HOUSE)
    _, second = people.log_in("kadis", PASSWORD, Caller("192.0.2.9", "x" * 5000))
    newest, oldest = people.log_ins(person.id, first)
    assert (oldest.here, oldest.address, oldest.browser) == (True, "192.0.2.7", "Firefox")
    assert (newest.here, len(newest.browser)) == (False, 200)
    with pytest.raises(NotFound):
        people.revoke("somebody else", newest.id)
    people.revoke(person.id, newest.id)
    assert (people.who(first) is not None, people.who(second)) == (True, None)


def test_a_new_password_ends_every_other_log_in_and_rotates_this_one(people: People) -> None:
    person, first = people.log_in("kadis", PASSWORD)
    _, second = people.log_in("kadis", PASSWORD)
    with pytest.raises(Invalid, match="not the password"):
        people.change_password(person, "salah", "kata sandi yang panjang")
    with pytest.raises(Invalid, match="12 to 256"):
        people.change_password(person, PASSWORD, "pendek")
    third = people.change_password(person, PASSWORD, "kata sandi yang panjang")
    assert [people.who(token) is not None for token in (first, second, third)] == [False, False, True]
    wrong(people)
    people.log_in("kadis", "kata sandi yang panjang")


def test_wrong_old_passwords_wait_like_a_log_in(people: People) -> None:
    person, _ = people.log_in("kadis", PASSWORD)
    for _ in range(3):
        with pytest.raises(Invalid):
            people.change_password(person, "salah", "kata sandi yang panjang")
    with pytest.raises(TooMany):
        people.change_password(person, PASSWORD, "kata sandi yang panjang")


@pytest.mark.parametrize("plain", ["aaaaaaaaaaaa", "abababababab", "kadis-kadis1", "kadis"])
def test_plain_passwords_are_refused(plain: str) -> None:
    with pytest.raises(Invalid):
        check_new(plain, "kadis")


def test_what_takes_rights_away_ends_log_ins_at_once(here: Services) -> None:
    admin = here.people.log_in(_added(here, "admin", Role.ADMIN), PASSWORD)[0]
    login = _added(here, "teknisi", Role.TECHNICIAN)
    for change in (
        AccountForm(login, "Yoga", frozenset({Role.SCHEDULER})),
        AccountForm(login, "Yoga", frozenset({Role.SCHEDULER}), active=False),
    ):
        person, token = here.people.log_in(login, PASSWORD)
        here.accounts.change(person.id, change, admin)
        assert here.people.who(token) is None
    with pytest.raises(Forbidden):
        here.people.log_in(login, PASSWORD)
    person = here.people.log_in("admin", PASSWORD)[0]
    with pytest.raises(Refused, match="somebody has to be left"):
        here.accounts.change(person.id, AccountForm("admin", "Agus", frozenset({Role.AUDITOR})), admin)


def test_an_account_is_refused_with_every_mistake(here: Services) -> None:
    with pytest.raises(Invalid) as refused:
        here.accounts.add(AccountForm("Sri W", "", frozenset(), "nowhere"), PEOPLE[Role.ADMIN])
    assert {wrong.code for wrong in refused.value.wrongs} == {
        "login.unreadable", "text.wanted", "roles.wanted", "agency.not_found",
    }  # fmt: skip
    with pytest.raises(Invalid, match="somebody has this name"):
        here.accounts.add(AccountForm("auditor", "x", frozenset({Role.AUDITOR})), PEOPLE[Role.ADMIN])
    made = here.accounts.add(AccountForm("sso-saja", "x", frozenset({Role.AUDITOR})), PEOPLE[Role.ADMIN])
    assert not made.has_password
    for guess in ("", "x", PASSWORD):
        with pytest.raises((Forbidden, TooMany)):
            here.people.log_in("sso-saja", guess)


def test_a_crowd_at_the_door_is_told_to_wait_and_never_hashes_more_than_a_few_at_once() -> None:
    passwords, refused, done = Passwords(), [], []
    digest = passwords.hash(PASSWORD)
    gate = threading.Barrier(HASHES_QUEUED + 10)

    def come() -> None:
        gate.wait()
        try:
            done.append(passwords.fits(PASSWORD, digest))
        except TooMany as error:
            refused.append(error)

    crowd = [threading.Thread(target=come) for _ in range(HASHES_QUEUED + 10)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert all(done)
    assert len(done) >= HASHES_QUEUED
    assert len(done) + len(refused) == len(crowd)
    assert refused
    assert HASHES_AT_ONCE == 2


def _added(here: Services, login: str, role: Role) -> str:
    here.people.add(login, login.title(), PASSWORD, frozenset({role}))
    return login
