"""What a page shows of a verification, and whether the findings are still those that an officer saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.requests import Request

from central.domain.findings import Finding, Verdict
from central.model import Request as Record
from central.model import Verification
from central.web import views
from central.web.access import Parts
from central.web.alternatives import AlternativeShown, shown
from webui.i18n import N_

DIFFERENT = N_("The findings are not those you saw: what changed is marked. Nothing was done; look and decide again.")


def verified(
    request: Request,
    parts: Parts,
    record: Record,
    found: Verification,
    *,
    typed: Mapping[str, str],
    before: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Return what templates show of `found`; `before` are findings to differ from."""
    say = parts.site.say
    free = {operator.id for operator in found.free_operators}
    taken = say(request, N_("taken"))
    return {
        "findings": parts.site.listed(
            request, lambda translate: views.finding_rows(found.findings, translate, before=before)
        ),
        "alternatives": _alternatives(request, parts, record, found),
        "leaders": parts.policy.leaders,
        "failing": any(finding.verdict is Verdict.FAIL for finding in found.findings),
        "seen": ",".join(f"{rule}={code}" for rule, code in codes(found.findings).items()),
        "rooms": [(room.id, room.name) for room in found.rooms],
        "operators": [(one.id, one.name if one.id in free else f"{one.name} ({taken})") for one in found.operators],
        "typed": {**typed, "room": found.room.id, "operator": found.operator.id if found.operator else ""},
    }


def _alternatives(request: Request, parts: Parts, record: Record, found: Verification) -> list[AlternativeShown]:
    """Return what could be done instead, when a finding fails."""
    if found.verdict is not Verdict.FAIL:
        return []
    names = {operator.id: operator.name for operator in found.operators}
    others = parts.planner.alternatives(record, room_id=found.room.id)
    return parts.site.listed(request, lambda translate: shown(others, names, translate))


def codes(findings: Iterable[Finding]) -> dict[str, str]:
    """Return the findings as a page remembers them, by rule."""
    return {finding.rule: finding.code.value for finding in findings}


def read_seen(seen: str) -> dict[str, str]:
    """Return the findings that a page remembered."""
    pairs = (part.partition("=") for part in seen.split(",") if part)
    return {rule: code for rule, _, code in pairs}
