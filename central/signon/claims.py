"""What an ID token says about somebody, read by the office's own rules. No input or output.

Groups of the provider become roles here by a table in central's file; whoever is in none of
them does not come in. Roles are never taken from the token itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from central.domain.words import Role
from central.errors import Forbidden
from central.settings import SignOn

TEXT_AT_MOST: Final = 200
GROUPS_AT_MOST: Final = 1000
_NOT_IN_LOGIN: Final = re.compile(r"[^a-z0-9._@-]+")


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody whom the provider vouches for, as this office sees him."""

    issuer: str
    subject: str
    login: str
    name: str
    roles: frozenset[Role]
    agency: str | None


def guest_of(claims: Mapping[str, object], rules: SignOn) -> Guest:
    """Return who is meant.

    Raises:
        Forbidden: in no group that may come in, or an applicant without an agency.
    """
    subject = str(claims["sub"])
    groups = frozenset(_texts(_at(claims, rules.groups_claim)))
    roles = frozenset(role for group in groups for role in rules.roles.get(group, ()))
    if not roles or (rules.allowed and not groups & set(rules.allowed)):
        raise Forbidden("signon.not_allowed", f"{subject[:40]!r} is in no group that may come in")
    told = _text(_at(claims, rules.agency_claim)) if rules.agency_claim else ""
    agency = rules.agencies.get(told, told) or None
    if Role.APPLICANT in roles and agency is None:
        raise Forbidden("signon.no_agency", f"{subject[:40]!r} is an applicant without an agency")
    login = _login(_text(_at(claims, rules.login_claim)), subject)
    name = _text(claims.get("name")) or login
    return Guest(rules.issuer, subject, login, name, roles, agency)


def _at(claims: Mapping[str, object], path: str) -> object:
    """Return what stands at `realm_access.roles`; a claim may also have dots in its own name."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value[:GROUPS_AT_MOST] if isinstance(one, str)) if isinstance(value, list) else ()


def _text(value: object) -> str:
    """Return a text without what is not for the eye; a title or a name may come from anybody."""
    if not isinstance(value, str):
        return ""
    return "".join(letter for letter in value if letter.isprintable()).strip()[:TEXT_AT_MOST]


def _login(wished: str, subject: str) -> str:
    """Return a name for logging in that accounts here can have."""
    plain = _NOT_IN_LOGIN.sub("-", wished.lower()).strip("-._@")[:80]
    return plain or f"sso-{_NOT_IN_LOGIN.sub('', subject.lower())[:40] or 'x'}"
