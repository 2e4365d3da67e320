"""Consideration 3: the division's equipment and meeting accounts."""

from __future__ import annotations

from collections.abc import Iterator

from central.domain.findings import Code, Consideration, Finding, Fix, Value, Verdict
from central.domain.resources import AccountFacts, Buffers, EquipmentFacts, Need, Resources, Rules, Wish
from central.domain.words import UnitKind

_HERE = Consideration.DIVISION_EQUIPMENT


def kit(wish: Wish, resources: Resources, rules: Rules) -> Iterator[Finding]:
    """Yield what there is to say about the room's machine, accounts and equipment."""
    yield _machine(wish, resources, rules)
    if not wish.own_account:
        yield from _accounts(wish, resources, rules)
    for need in wish.needs:
        yield _equipment(need, wish, resources, rules)


def _machine(wish: Wish, resources: Resources, rules: Rules) -> Finding:
    where, room = ("division-equipment", _HERE), resources.room
    if wish.recording and not room.can_record:
        return Finding(*where, Verdict.FAIL, Code.KIT_NO_RECORDING, {"room": room.name}, fix=Fix.NO_RECORDING)
    if wish.streaming and not room.can_record:
        return Finding(*where, Verdict.FAIL, Code.KIT_NO_STREAMING, {"room": room.name}, fix=Fix.OTHER_ROOM)
    known = {*rules.platforms, *(account.platform for account in resources.accounts)}
    if not wish.own_account and wish.platform not in known:
        values: dict[str, Value] = {"platform": wish.platform, "platforms": tuple(sorted(known))}
        return Finding(*where, Verdict.FAIL, Code.KIT_NO_ACCOUNT, values, fix=Fix.OWN_ACCOUNT)
    return Finding(*where, Verdict.PASS, Code.KIT_COMPLETE, {"room": room.name, "platform": wish.platform})


def accounts_for(wish: Wish, resources: Resources) -> tuple[AccountFacts, ...]:
    """Return the accounts whose plan allows the wish, the smallest that is enough first."""
    fitting = (account for account in resources.accounts if account.platform == wish.platform and account.fits(wish))
    return tuple(sorted(fitting, key=lambda a: (a.participants_at_most or 10**9, a.id)))


def free_account(wish: Wish, resources: Resources, rules: Rules) -> str | None:
    """Return the unit of an account that is free for the wish, none when all are taken."""
    wanted = [unit for account in accounts_for(wish, resources) for unit in account.units]
    taken = resources.rivals(UnitKind.ACCOUNT, wanted, rules.account_buffers.around(wish.starts, wish.ends))
    return next((unit for unit in wanted if unit not in taken), None)


def _accounts(wish: Wish, resources: Resources, rules: Rules) -> Iterator[Finding]:
    """Yield plan and concurrency; where no accounts are listed, the list of platforms says enough."""
    listed = tuple(account for account in resources.accounts if account.platform == wish.platform)
    if not listed:
        return
    yield _plan(wish, listed)
    counted = accounts_for(wish, resources) or listed
    wanted = tuple(unit for account in counted for unit in account.units)
    span = rules.account_buffers.around(wish.starts, wish.ends)
    taken = resources.rivals(UnitKind.ACCOUNT, wanted, span)
    values: dict[str, Value] = {
        "platform": wish.platform,
        "free_count": len(wanted) - len(taken),
        "all_count": len(wanted),
        "accounts": tuple(account.name for account in counted),
    }
    where = ("account-free", _HERE)
    if len(taken) < len(wanted):
        yield Finding(*where, Verdict.PASS, Code.ACCOUNT_FREE, values)
    else:
        yield Finding(*where, Verdict.FAIL, Code.ACCOUNT_TAKEN, values, tuple(taken.values()), Fix.OWN_ACCOUNT)


def _plan(wish: Wish, listed: tuple[AccountFacts, ...]) -> Finding:
    where = ("account-plan", _HERE)
    largest = max(listed, key=lambda account: account.participants_at_most or 10**9)
    values: dict[str, Value] = {
        "platform": wish.platform,
        "participants": wish.participants,
        "at_most": largest.participants_at_most,
    }
    if not any(account.large_enough(wish) for account in listed):
        return Finding(*where, Verdict.FAIL, Code.ACCOUNT_TOO_SMALL, values, fix=Fix.OWN_ACCOUNT)
    fitting = next((account for account in listed if account.fits(wish)), None)
    if fitting is None:
        longest = max(account.lasts_at_most for account in listed if account.lasts_at_most is not None)
        values["minutes"] = int(longest.total_seconds() // 60)
        return Finding(*where, Verdict.FAIL, Code.ACCOUNT_TOO_SHORT, values, fix=Fix.OWN_ACCOUNT)
    return Finding(*where, Verdict.PASS, Code.ACCOUNT_PLAN_FITS, values | {"account": fitting.name})


def pool(need: Need, resources: Resources) -> EquipmentFacts | None:
    """Return the equipment that is needed, none when nobody has it."""
    return next((one for one in resources.equipment if one.id == need.equipment), None)


def buffers_of(one: EquipmentFacts, resources: Resources, rules: Rules) -> Buffers:
    """Return a piece's own buffers, else those of the room it goes to."""
    return one.buffers or rules.buffers_of.get(resources.room.id, rules.buffers)


def free_pieces(one: EquipmentFacts, wish: Wish, resources: Resources, rules: Rules) -> tuple[str, ...]:
    """Return the units of a pool that are free for the whole time."""
    span = buffers_of(one, resources, rules).around(wish.starts, wish.ends)
    taken = resources.rivals(UnitKind.EQUIPMENT, one.units, span)
    return tuple(unit for unit in one.units if unit not in taken)


def _equipment(need: Need, wish: Wish, resources: Resources, rules: Rules) -> Finding:
    where, one = (f"equipment:{need.equipment}", _HERE), pool(need, resources)
    values: dict[str, Value] = {"equipment": need.equipment, "wanted": need.count}
    if one is None:
        return Finding(*where, Verdict.FAIL, Code.EQUIPMENT_UNKNOWN, values, fix=Fix.LESS_EQUIPMENT)
    values |= {"equipment": one.name, "all_count": one.count, "faulty": one.faulty, "site": one.site}
    if one.site and one.site != resources.room.site:
        return Finding(*where, Verdict.FAIL, Code.EQUIPMENT_ELSEWHERE, values, fix=Fix.OTHER_ROOM)
    free = free_pieces(one, wish, resources, rules)
    values["free_count"] = len(free)
    if len(free) >= need.count:
        return Finding(*where, Verdict.PASS, Code.EQUIPMENT_FREE, values)
    span = buffers_of(one, resources, rules).around(wish.starts, wish.ends)
    rivals = tuple(dict.fromkeys(resources.rivals(UnitKind.EQUIPMENT, one.units, span).values()))
    return Finding(*where, Verdict.FAIL, Code.EQUIPMENT_SHORT, values, rivals, Fix.LESS_EQUIPMENT)
