"""Everything a route may need, put together once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from central.accounts import Accounts
from central.answered import Answered
from central.audit import Audit
from central.bell import Bell
from central.commands import Commands
from central.db.store import Store
from central.delegations import Delegations
from central.desk import Desk
from central.displacing import Displacing
from central.drafts import Drafts
from central.errors import Unfit
from central.evidence import Evidence
from central.feeds import Feeds
from central.letters import Letters
from central.moves import utc_now
from central.notices.mailbox import Mailbox
from central.notices.post import Post
from central.offering import Offering
from central.pace import Paces, paces
from central.people import People
from central.planner import Planner
from central.register import Register
from central.rescheduling import Rescheduling
from central.retention.eraser import Eraser
from central.settings import CentralSettings
from central.signon.desk import SignOnDesk
from central.signon.provider import Provider
from central.timekeeping import Timekeeping
from central.wall import Board

RETURN_PATH: Final = "/login/sso/kembali"
"""Where the sign-on service sends people back to; it has to know this address."""


@dataclass(frozen=True, slots=True)
class Services:
    """Central without its network: the database and what is done with it."""

    settings: CentralSettings
    store: Store
    bell: Bell
    desk: Desk
    planner: Planner
    displacing: Displacing
    offering: Offering
    rescheduling: Rescheduling
    timekeeping: Timekeeping
    delegations: Delegations
    people: People
    accounts: Accounts
    answered: Answered
    sign_on: SignOnDesk | None
    paces: Paces
    board: Board
    evidence: Evidence
    post: Post
    mailbox: Mailbox
    drafts: Drafts
    register: Register
    feeds: Feeds
    audit: Audit
    commands: Commands
    retention: Eraser
    _broker: list[Callable[[], bool]] = field(default_factory=list)

    def watch_broker(self, is_up: Callable[[], bool]) -> None:
        """Ask `is_up` from now on whether the broker is there."""
        self._broker[:] = [is_up]

    def broker_is_up(self) -> bool:
        """Return whether the broker is there; without an exchange it is not."""
        return any(is_up() for is_up in self._broker)


def make_services(settings: CentralSettings, *, now: Callable[[], datetime] = utc_now) -> Services:
    """Open the database, bring it up to date, and return what works on it.

    Raises:
        Unfit: the database is newer than this version, or accepts overlaps; a secret is missing.
    """
    settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(settings.database_url)
    store.open()
    bell, policy = Bell(), settings.policy
    letters = Letters(settings.folder / "letters", settings.file.letters.at_most_mib * 1024 * 1024)
    evidence = Evidence(settings.folder / "evidence")
    post, lead = Post(settings.file.notifications), settings.file.prepare_lead
    desk = Desk(store, letters, policy, settings.zone, bell=bell, prepare_lead=lead, now=now, post=post)
    board = Board(store, settings.zone, desk.assess.standards, now=now)
    planner = Planner(store, desk.assess, now=now)
    people = People(store, now=now)
    displacing = Displacing(store, desk.moves, desk.assess, planner, bell=bell, now=now)
    return Services(
        settings=settings,
        store=store,
        bell=bell,
        desk=desk,
        planner=planner,
        displacing=displacing,
        offering=Offering(store, desk.moves, planner, bell=bell, now=now),
        rescheduling=Rescheduling(store, desk.moves, desk.assess, bell=bell, now=now),
        timekeeping=Timekeeping(store, desk.assess, now=now),
        delegations=Delegations(store, now=now),
        people=people,
        accounts=Accounts(store, people, now=now),
        answered=Answered(store, now=now),
        sign_on=_sign_on(settings, store, people, now),
        paces=paces(),
        board=board,
        evidence=evidence,
        post=post,
        mailbox=Mailbox(store, settings.file.notifications, bell, now),
        drafts=Drafts(store, now=now),
        register=Register(store, settings.zone, bell, now),
        feeds=Feeds(store, settings.zone, settings.file.public_url, now),
        audit=Audit(store, settings.folder / "audit-anchors.jsonl", now=now),
        commands=Commands(store, bell, now),
        retention=Eraser(store, settings, letters, evidence, now=now),
    )


def _sign_on(settings: CentralSettings, store: Store, people: People, now: Callable[[], datetime]) -> SignOnDesk | None:
    """Return single sign-on when the office has it.

    Raises:
        Unfit: its secret is not there.
    """
    rules = settings.file.sign_on
    if rules is None:
        return None
    secret = os.environ.get(rules.secret_env, "")
    if not secret:
        raise Unfit("signon.secret", f"sign_on wants the client's secret in {rules.secret_env}, found nothing there")
    provider = Provider(rules, secret, f"{settings.file.public_url}{RETURN_PATH}")
    return SignOnDesk(store, people, rules, provider, now=now)
