"""From a request to what it takes of a day, for the best set: every unit that nothing booked holds."""

from __future__ import annotations

from collections.abc import Iterator

from central.domain.findings import Consideration, Finding, Verdict
from central.domain.kit import accounts_for, buffers_of, free_pieces, pool
from central.domain.resources import Resources, Rules, Wish
from central.domain.servable import Candidate, Group
from central.domain.staff import span_of, suitable
from central.domain.words import UnitKind

_OF_THE_DIVISION = frozenset(
    {
        Consideration.ROOM,
        Consideration.DIVISION_EQUIPMENT,
        Consideration.DIVISION_PEOPLE,
        Consideration.SERVABLE,
    }
)


def impossible(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings for which the division cannot serve a request at all that day.

    Lead time and working hours are the officer's to judge: they take nothing from anybody.
    """
    return tuple(f for f in findings if f.verdict is Verdict.FAIL and f.consideration in _OF_THE_DIVISION)


def candidate(ident: str, wish: Wish, resources: Resources, rules: Rules) -> Candidate:
    """Return what `wish` takes, with everything that could serve it."""
    span = span_of(wish, resources, rules)
    room = Group(UnitKind.ROOM, 1, (resources.room.id,), span)
    people = tuple(one.id for one in suitable(wish, resources, rules))
    return Candidate(
        id=ident,
        leader=wish.leader,
        submitted_at=wish.submitted_at,
        starts=wish.starts,
        room=span,
        site=resources.room.site,
        groups=(room, Group(UnitKind.OPERATOR, 1, people, span), *_lent(wish, resources, rules)),
    )


def _lent(wish: Wish, resources: Resources, rules: Rules) -> Iterator[Group]:
    listed = any(account.platform == wish.platform for account in resources.accounts)
    if listed and not wish.own_account:
        span = rules.account_buffers.around(wish.starts, wish.ends)
        names = tuple(unit for account in accounts_for(wish, resources) for unit in account.units)
        taken = resources.rivals(UnitKind.ACCOUNT, names, span)
        yield Group(UnitKind.ACCOUNT, 1, tuple(name for name in names if name not in taken), span)
    for need in wish.needs:
        one = pool(need, resources)
        if one is not None:
            span = buffers_of(one, resources, rules).around(wish.starts, wish.ends)
            yield Group(UnitKind.EQUIPMENT, need.count, free_pieces(one, wish, resources, rules), span)
