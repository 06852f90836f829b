"""The own account: profile, password, passkeys, second factor, archive, erasure."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from mecum.kit.http import AccountCaller, Stream
from mecum.kit.ids import decode, encode
from mecum.rooms.people.api.bodies import (
    CodeBody,
    ConfirmBody,
    EraseBody,
    NewPasskeyBody,
    PasswordBody,
    ProfileBody,
    RenameBody,
    ResetBody,
    ResetRequestBody,
    moment,
    person_out,
    problems,
)
from mecum.rooms.people.api.session import SessionView, same_page
from mecum.rooms.people.parts import Parts
from mecum.rooms.people.profile import Changes
from mecum.rooms.people.service import rp_id_of
from mecum.rooms.people.store.credentials import Passkey


def account_routes(router: APIRouter, parts: Parts, view: SessionView) -> None:

    @router.patch("/api/me", responses=problems(401, 403, 404, 409, 422))
    async def change_me(caller: AccountCaller, body: ProfileBody) -> dict[str, Any]:
        """Change the own account. A new e-mail address needs a recent sign-in. Where there is a mail server it counts
        once it is confirmed: until then it is `pending_email`.
        """
        await parts.profile.change(caller, Changes(body.name, body.email, body.locale, body.timezone))
        async with parts.kit.db.transaction() as connection:
            return person_out(await parts.account(connection, caller.person))

    @router.post("/api/me/email/verification", status_code=202, responses=problems(401, 403, 409))
    async def send_verification(caller: AccountCaller) -> dict[str, Any]:
        """Send the link once more that confirms the own address, or the one that waits to take its place."""
        await parts.verification.again(caller)
        return {}

    @router.post("/api/me/email/confirm", responses=problems(401, 403, 404, 409, 410, 422))
    async def confirm_email(caller: AccountCaller, body: ConfirmBody) -> dict[str, Any]:
        """Confirm an address with the link that was sent to it."""
        await parts.verification.confirm(caller, body.token)
        async with parts.kit.db.transaction() as connection:
            return person_out(await parts.account(connection, caller.person))

    @router.post("/api/me/password", status_code=204, responses=problems(401, 403, 404, 409, 422))
    async def change_password(caller: AccountCaller, body: PasswordBody) -> None:
        """Set, change or take away the own password. All other sessions end."""
        await parts.profile.change_password(caller, body.current, body.new)

    @router.delete("/api/me", status_code=204, responses=problems(401, 403, 404, 409, 422))
    async def erase_me(caller: AccountCaller, body: EraseBody, response: Response) -> None:
        """Erase the own account with everything that belongs to it."""
        await parts.erasure.erase_self(caller, body.confirm, body.password)
        await parts.edge.clear_cookie(response)

    @router.post("/api/me/export", status_code=201, responses=problems(401, 403))
    async def offer_export(caller: AccountCaller) -> dict[str, Any]:
        """Ask for everything of the caller: where it can be fetched for some minutes."""
        offer = parts.export.offer(caller)
        return {"url": f"/api/me/export/{offer.ticket}", "expires_at": moment(offer.expires_at)}

    @router.get(
        "/api/me/export/{ticket}",
        response_class=StreamingResponse,
        responses={**problems(401, 403, 404), 200: {"content": {"application/zip": {}}, "description": "The archive."}},
    )
    async def export_me(caller: AccountCaller, ticket: str) -> StreamingResponse:
        """Everything of the caller, in all spaces, as one zip file."""
        name = f"mecum-{parts.kit.clock.now():%Y-%m-%d}.zip"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        archive = await parts.export.redeem(caller, ticket)
        within_s = parts.settings.export_minutes * 60
        return Stream(archive, headers=headers, media_type="application/zip", within_s=within_s)

    @router.post("/api/reset/request", status_code=202, responses=problems(403))
    async def request_reset(request: Request, body: ResetRequestBody) -> dict[str, Any]:
        """Ask for a link to choose a new password. The answer is the same for every address."""
        await parts.resets.request(body.email, same_page(parts, request))
        return {}

    @router.post("/api/reset", responses=problems(403, 404, 410, 422))
    async def reset(request: Request, response: Response, body: ResetBody) -> dict[str, Any]:
        """Sign in by a link, with a new password or to make a passkey right after."""
        given = same_page(parts, request)
        return await view.begun(response, await parts.resets.complete(body.token, body.password, given), given)


def passkey_routes(router: APIRouter, parts: Parts) -> None:

    @router.get("/api/me/passkeys", responses=problems(401, 403))
    async def list_passkeys(caller: AccountCaller) -> dict[str, Any]:
        """The caller's passkeys, oldest first."""
        return {"items": [passkey_out(parts, each) for each in await parts.passkeys.list(caller)], "next": None}

    @router.post("/api/me/passkeys/options", responses=problems(401, 403, 409))
    async def passkey_options(caller: AccountCaller) -> dict[str, Any]:
        """Options for `navigator.credentials.create()`."""
        challenge, options = await parts.passkeys.registration(caller)
        return {"challenge_id": encode("cha", challenge), "options": options}

    @router.post("/api/me/passkeys", status_code=201, responses=problems(401, 403, 409, 410, 422))
    async def register_passkey(caller: AccountCaller, body: NewPasskeyBody) -> dict[str, Any]:
        """Keep a passkey that the browser made."""
        challenge = decode("cha", body.challenge_id)
        return passkey_out(parts, await parts.passkeys.register(caller, challenge, body.name, body.credential))

    @router.patch("/api/me/passkeys/{passkey}", responses=problems(401, 403, 404, 422))
    async def rename_passkey(caller: AccountCaller, passkey: str, body: RenameBody) -> dict[str, Any]:
        """Give a passkey another name."""
        return passkey_out(parts, await parts.passkeys.rename(caller, decode("pky", passkey), body.name))

    @router.delete("/api/me/passkeys/{passkey}", status_code=204, responses=problems(401, 403, 404, 409))
    async def remove_passkey(caller: AccountCaller, passkey: str) -> None:
        """Take a passkey away, unless it is the last way to sign in."""
        await parts.passkeys.remove(caller, decode("pky", passkey))


def factor_routes(router: APIRouter, parts: Parts) -> None:

    @router.post("/api/me/totp", responses=problems(401, 403, 404, 409))
    async def begin_totp(caller: AccountCaller) -> dict[str, Any]:
        """A secret for an authenticator app; it counts once confirmed."""
        secret, uri = await parts.factor.begin(caller)
        return {"secret": secret, "uri": uri}

    @router.post("/api/me/totp/confirm", responses=problems(401, 403, 409))
    async def confirm_totp(caller: AccountCaller, body: CodeBody) -> dict[str, Any]:
        """Confirm the app with a code. The recovery codes are in this answer and nowhere else."""
        return {"recovery_codes": list(await parts.factor.confirm(caller, body.code))}

    @router.delete("/api/me/totp", status_code=204, responses=problems(401, 403, 409))
    async def remove_totp(caller: AccountCaller, body: CodeBody) -> None:
        """Take the authenticator app and the recovery codes away."""
        await parts.factor.remove(caller, body.code)

    @router.post("/api/me/recovery-codes", responses=problems(401, 403, 409))
    async def renew_recovery_codes(caller: AccountCaller) -> dict[str, Any]:
        """New recovery codes in place of the old ones."""
        return {"recovery_codes": list(await parts.factor.renew_codes(caller))}


def passkey_out(parts: Parts, passkey: Passkey) -> dict[str, Any]:
    here = rp_id_of(parts.kit.public_url)
    return {
        "id": encode("pky", passkey.id),
        "name": passkey.name,
        "created_at": moment(passkey.created_at),
        "last_used_at": moment(passkey.last_used_at),
        "host": passkey.rp_id,
        "works_here": passkey.rp_id in (None, here),
    }
