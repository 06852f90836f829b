"""Whatever is done in whatever order: an installation that has an owner keeps one who can get in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mecum.kit.types import InstallationRole
from mecum.rooms.people.service import leaves_no_owner, may_act_on

ROLES: tuple[InstallationRole, ...] = ("member", "operator", "owner")
PEOPLE = 4

acts = st.tuples(
    st.integers(0, PEOPLE - 1),
    st.integers(0, PEOPLE - 1),
    st.sampled_from(("role", "disable", "enable", "erase")),
    st.sampled_from(ROLES),
)


@given(st.lists(st.sampled_from(ROLES), min_size=PEOPLE, max_size=PEOPLE), st.lists(acts, max_size=40))
def test_no_order_of_changes_takes_the_last_owner_away(
    others: list[InstallationRole], steps: list[tuple[int, int, str, InstallationRole]]
) -> None:
    roles = dict(enumerate(others))
    roles[0] = "owner"
    active = dict.fromkeys(roles, True)
    for actor, target, act, given_role in steps:
        if actor not in roles or target not in roles or not active[actor]:
            continue
        if not may_act_on(roles[actor], roles[target], given_role if act == "role" else None):
            continue
        role = given_role if act == "role" else roles[target]
        stays_active = {"disable": False, "enable": True, "erase": False}.get(act, active[target])
        owners = sum(roles[each] == "owner" and active[each] for each in roles)
        was = roles[target] == "owner" and active[target]
        if leaves_no_owner(owners, was, role == "owner" and stays_active):
            continue
        if act == "erase":
            del roles[target], active[target]
        else:
            roles[target], active[target] = role, stays_active
        assert any(roles[each] == "owner" and active[each] for each in roles)


@given(st.sampled_from(ROLES), st.sampled_from(ROLES), st.sampled_from(ROLES))
def test_members_change_nobody_and_nobody_reaches_above_themselves(
    actor: InstallationRole, target: InstallationRole, role: InstallationRole
) -> None:
    allowed = may_act_on(actor, target, role)
    assert allowed == (actor != "member" and ROLES.index(actor) >= max(ROLES.index(target), ROLES.index(role)))
