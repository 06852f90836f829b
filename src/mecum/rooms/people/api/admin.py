"""Running the installation: people, invitations, the sign-up policy, the audit log. For owners and operators."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from mecum.kit.http import Operator
from mecum.kit.ids import decode, encode
from mecum.kit.types import PersonId
from mecum.rooms.people import errors
from mecum.rooms.people.accounts import NewAccount
from mecum.rooms.people.api.bodies import (
    LIMIT,
    ChangePersonBody,
    Cursor,
    InvitationBody,
    Limit,
    NewPersonBody,
    OnlyOrganisations,
    OnlyPerson,
    Search,
    SignUpPolicyBody,
    cursor_id,
    cursor_number,
    key_out,
    listed_person_out,
    moment,
    organisation_ids,
    organisation_out,
    page_out,
    problems,
)
from mecum.rooms.people.parts import Parts
from mecum.rooms.people.store.audit import Entry
from mecum.rooms.people.store.links import Link


def organisation_routes(router: APIRouter, parts: Parts) -> None:

    @router.get("/api/organisations", responses=problems(401, 403))
    async def list_organisations(
        caller: Operator,
        query: Search = "",
        ids: OnlyOrganisations = "",
        cursor: Cursor = None,
        limit: Limit = LIMIT,
    ) -> dict[str, Any]:
        """All organisations, oldest first, with how many belong to each."""
        found = await parts.admin.organisations(query.strip(), cursor_id(cursor), limit, organisation_ids(ids))
        return page_out([organisation_out(each) for each in found], limit, found[-1].id.hex if found else None)


def people_routes(router: APIRouter, parts: Parts) -> None:

    @router.get("/api/people", responses=problems(401, 403))
    async def list_people(
        caller: Operator, query: Search = "", person: OnlyPerson = None, cursor: Cursor = None, limit: Limit = LIMIT
    ) -> dict[str, Any]:
        """All accounts, oldest first."""
        only = decode("prs", person) if person is not None else None
        found = await parts.admin.list(query.strip(), cursor_id(cursor), limit, only)
        items = [listed_person_out(each) for each in found]
        return page_out(items, limit, found[-1].id.hex if found else None)

    @router.post("/api/people", status_code=201, responses=problems(401, 403, 409, 422))
    async def add_person(caller: Operator, body: NewPersonBody) -> dict[str, Any]:
        """Make an account for somebody; without a password there is a link for choosing one."""
        new = NewAccount(body.email, body.name, body.password, caller.locale, caller.timezone)
        person, link = await parts.admin.add(caller, new, body.role)
        return {"person": listed_person_out(person), "link": link_out(parts, link) if link else None}

    @router.patch("/api/people/{person}", responses=problems(401, 403, 404, 409, 422))
    async def change_person(caller: Operator, person: str, body: ChangePersonBody) -> dict[str, Any]:
        """Change a person's role, state or name, or vouch for the address."""
        target = PersonId(decode("prs", person))
        changed = await parts.admin.change(
            caller, target, role=body.role, state=body.state, name=body.name, email_verified=body.email_verified
        )
        return listed_person_out(changed)

    @router.get("/api/people/{person}/keys", responses=problems(401, 403, 404))
    async def list_keys_of(
        caller: Operator, person: str, cursor: Cursor = None, limit: Limit = LIMIT
    ) -> dict[str, Any]:
        """The API keys of a person, newest first, without their secrets."""
        found = await parts.admin.keys(PersonId(decode("prs", person)), cursor_id(cursor), limit)
        return page_out([key_out(each) for each in found], limit, found[-1].id.hex if found else None)

    @router.post("/api/people/{person}/reset-link", status_code=201, responses=problems(401, 403, 404))
    async def make_reset_link(caller: Operator, person: str) -> dict[str, Any]:
        """A link for a person to choose a new password; it takes the second factor away as well."""
        return link_out(parts, await parts.admin.reset_link(caller, PersonId(decode("prs", person))))

    @router.delete("/api/people/{person}", status_code=204, responses=problems(401, 403, 404, 409))
    async def erase_person(caller: Operator, person: str) -> None:
        """Erase a person with everything that belongs to them."""
        await parts.admin.erase(caller, PersonId(decode("prs", person)))


def installation_routes(router: APIRouter, parts: Parts) -> None:

    @router.get("/api/invitations", responses=problems(401, 403))
    async def list_invitations(caller: Operator, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
        """Open invitations, newest first."""
        found = await parts.admin.invitations(cursor_id(cursor), limit)
        items = [invitation_out(parts, each) for each in found]
        return page_out(items, limit, found[-1].id.hex if found else None)

    @router.post("/api/invitations", status_code=201, responses=problems(401, 403, 409, 422))
    async def invite(caller: Operator, body: InvitationBody) -> dict[str, Any]:
        """Invite somebody; the link goes out by mail where there is an address and a mail server."""
        return invitation_out(parts, await parts.admin.invite(caller, body.email, body.role, body.days))

    @router.delete("/api/invitations/{invitation}", status_code=204, responses=problems(401, 403, 404))
    async def withdraw_invitation(caller: Operator, invitation: str) -> None:
        """Take an invitation back."""
        await parts.admin.withdraw(caller, decode("inv", invitation))

    @router.get("/api/settings/sign-up", responses=problems(401, 403))
    async def read_sign_up(caller: Operator) -> dict[str, Any]:
        """Who may make an account."""
        async with parts.kit.db.transaction() as connection:
            return {"policy": await parts.accounts.policy(connection)}

    @router.put("/api/settings/sign-up", responses=problems(401, 403))
    async def change_sign_up(caller: Operator, body: SignUpPolicyBody) -> dict[str, Any]:
        """Say who may make an account. Only an owner may."""
        if caller.role != "owner":
            raise errors.owner_only()
        await parts.accounts.set_policy(caller, body.policy)
        return {"policy": body.policy}

    @router.get("/api/audit", responses=problems(401, 403))
    async def read_audit(caller: Operator, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
        """The audit log, newest first. `details` is null where they were erased."""
        found = await parts.admin.audit(cursor_number(cursor), limit)
        return page_out([audit_out(each) for each in found], limit, str(found[-1].envelope.seq) if found else None)


def link_out(parts: Parts, link: Link) -> dict[str, Any]:
    return {"url": parts.links.url(link), "expires_at": moment(link.expires_at)}


def invitation_out(parts: Parts, link: Link) -> dict[str, Any]:
    about = {"id": encode("inv", link.id), "email": link.email, "role": link.role}
    return {**about, "created_at": moment(link.created_at), **link_out(parts, link)}


def audit_out(entry: Entry) -> dict[str, Any]:
    what = entry.envelope
    actor = {
        "kind": what.actor_kind,
        "person": encode("prs", what.person_id) if what.person_id else None,
    }
    return {
        "seq": what.seq,
        "at": moment(what.at),
        "actor": actor,
        "action": what.action,
        "subject": what.subject,
        "details": entry.details,
    }
