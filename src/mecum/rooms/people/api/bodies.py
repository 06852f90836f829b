"""What goes in and out of the room's routes. Parsing and rendering only."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from mecum.kit.errors import BadRequest
from mecum.kit.http import PAGE_SIZE, PAGE_SIZE_MAX
from mecum.kit.ids import decode, encode
from mecum.kit.types import InstallationRole, OrganisationRole, Scope
from mecum.rooms.people import Person, Space
from mecum.rooms.people.accounts import NewAccount, SignUpPolicy
from mecum.rooms.people.service import PASSWORD_CHARS_MAX
from mecum.rooms.people.store.keys import Key
from mecum.rooms.people.store.organisations import OrganisationRow
from mecum.rooms.people.store.persons import Account

EMAIL_IN_MAX = 320
NAME_IN_MAX = 400
CREDENTIAL_PARTS_MAX = 20

Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX, description="Most items to give.")]
Cursor = Annotated[str | None, Query(max_length=64, description="`next` of the page before.")]


def storable(text: str) -> str:
    """Text that can be encoded and kept: no lone surrogates, no NUL. Raises ValueError."""
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("holds characters that are no text")
    return text


Text = Annotated[str, AfterValidator(storable)]
Email = Annotated[Text, StringConstraints(max_length=EMAIL_IN_MAX)]
Name = Annotated[Text, StringConstraints(max_length=NAME_IN_MAX)]
PasswordText = Annotated[Text, StringConstraints(max_length=PASSWORD_CHARS_MAX)]
Token = Annotated[Text, StringConstraints(max_length=200)]
Id = Annotated[Text, StringConstraints(max_length=64)]
Code = Annotated[Text, StringConstraints(max_length=40)]
Locale = Annotated[Text, StringConstraints(max_length=16)]
Zone = Annotated[Text, StringConstraints(max_length=64)]
Search = Annotated[Text, Query(max_length=200, description="Part of a name or an address.")]
OnlyOrganisations = Annotated[Text, Query(max_length=2_000, description="Only these ids, with commas.")]
ORGANISATIONS_AT_ONCE = 50
OnlyPerson = Annotated[Text | None, Query(max_length=80, description="The id of one person.")]
CredentialJson = Annotated[dict[str, Any], Field(max_length=CREDENTIAL_PARTS_MAX)]
LIMIT = PAGE_SIZE


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewAccountBody(Body):
    email: Email
    name: Name
    password: PasswordText | None = None
    locale: Locale = "en"
    timezone: Zone = "UTC"

    def account(self) -> NewAccount:
        return NewAccount(self.email, self.name, self.password, self.locale, self.timezone)


class SetUpBody(NewAccountBody):
    token: Token


class SignUpBody(NewAccountBody):
    token: Token | None = None


class SignUpRequestBody(Body):
    email: Email
    locale: Locale = "en"


class ConfirmBody(Body):
    token: Token


class SignInBody(Body):
    email: Email
    password: PasswordText


class CodeBody(Body):
    code: Code


class PasskeySignInBody(Body):
    challenge_id: Id
    credential: CredentialJson


class NewPasskeyBody(PasskeySignInBody):
    name: Name


class RenameBody(Body):
    name: Name


class ResetRequestBody(Body):
    email: Email


class ResetBody(Body):
    """Without a password the old one stays, if any; a passkey may follow."""

    token: Token
    password: PasswordText | None = None


class ProfileBody(Body):
    name: Name | None = None
    email: Email | None = None
    locale: Locale | None = None
    timezone: Zone | None = None


class PasswordBody(Body):
    """`new` null takes the password away, where a passkey is left."""

    current: PasswordText | None = None
    new: PasswordText | None


class EraseBody(Body):
    """`confirm` is the e-mail address of the account."""

    confirm: Email
    password: PasswordText | None = None


class SpaceBody(Body):
    space: Id


class NewKeyBody(Body):
    name: Name
    scopes: list[Scope] = Field(max_length=10)
    expires_at: dt.datetime | None = None


class NewPersonBody(Body):
    email: Email
    name: Name
    role: InstallationRole = "member"
    password: PasswordText | None = None


class ChangePersonBody(Body):
    role: InstallationRole | None = None
    state: Literal["active", "disabled"] | None = None
    name: Name | None = None
    email_verified: bool | None = None


class InvitationBody(Body):
    email: Email | None = None
    role: InstallationRole = "member"
    days: int | None = Field(None, ge=1, le=90)


class SignUpPolicyBody(Body):
    policy: SignUpPolicy


def person_out(account: Account) -> dict[str, Any]:
    """The account as its owner sees it."""
    person = account.person
    return {
        "id": encode("prs", person.id),
        "email": person.email,
        "email_verified": person.email_verified,
        "pending_email": account.pending_email,
        "name": person.name,
        "role": person.role,
        "locale": person.locale,
        "timezone": person.timezone,
        "created_at": moment(person.created_at),
        "has_password": account.has_password,
        "totp": account.totp,
        "passkeys": account.passkeys,
        "recovery_codes_left": account.recovery_codes_left,
    }


def organisation_out(organisation: OrganisationRow) -> dict[str, Any]:
    return {"id": encode("org", organisation.id), "name": organisation.name, "members": organisation.members}


def organisation_ids(text: str) -> tuple[UUID, ...]:
    """Raises BadRequest: not ids of organisations, or too many."""
    given = [each for each in text.split(",") if each]
    if len(given) > ORGANISATIONS_AT_ONCE:
        raise BadRequest(
            "people.too_many_ids",
            f"More than {ORGANISATIONS_AT_ONCE} ids at once.",
            "Ask for them in several calls.",
            params={"limit": ORGANISATIONS_AT_ONCE},
        )
    return tuple(decode("org", each) for each in given)


def listed_person_out(person: Person) -> dict[str, Any]:
    """A person as an operator sees it."""
    return {
        "id": encode("prs", person.id),
        "email": person.email,
        "email_verified": person.email_verified,
        "name": person.name,
        "role": person.role,
        "state": person.state,
        "created_at": moment(person.created_at),
    }


def space_out(space: Space) -> dict[str, str | OrganisationRole]:
    return {
        "id": encode("spc", space.id),
        "kind": space.kind,
        "organisation": encode("org", space.organisation),
        "organisation_name": space.organisation_name,
        "role": space.role,
    }


def key_out(key: Key) -> dict[str, Any]:
    return {
        "id": encode("key", key.id),
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": moment(key.created_at),
        "last_used_at": moment(key.last_used_at),
        "expires_at": moment(key.expires_at),
        "prefix": key.prefix,
    }


def moment(at: dt.datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def cursor_id(cursor: str | None) -> UUID | None:
    """The id after which the page begins. Raises BadRequest."""
    if cursor is None:
        return None
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise malformed_cursor() from None


def cursor_number(cursor: str | None) -> int | None:
    """The number before which the page begins. Raises BadRequest."""
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise malformed_cursor()
    return int(cursor)


def malformed_cursor() -> BadRequest:
    return BadRequest("people.cursor_malformed", "This cursor is not one of ours.", "Begin without a cursor.")


def page_out(items: list[Any], limit: int, last: str | None) -> dict[str, Any]:
    """A page; `last` is the cursor of its last item. There may be more when it is full."""
    return {"items": items, "next": last if len(items) >= limit else None}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its description."""
    schema = {"type": "object", "required": ["code", "detail", "status"]}
    content = {"application/problem+json": {"schema": schema}}
    found = {status: {"description": _MEANINGS[status], "content": content} for status in (*statuses, 400, 429, 503)}
    return cast("dict[int | str, dict[str, Any]]", found)


_MEANINGS = {
    400: "The request can't be understood.",
    401: "Nobody is signed in, or a credential is wrong.",
    403: "Not allowed.",
    404: "Not there, or not yours.",
    409: "It is there already, or a rule stands against it.",
    410: "It was used or has expired.",
    422: "A value is not possible.",
    429: "Too many tries.",
    503: "A part that is needed is not there right now.",
}
