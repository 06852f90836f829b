"""What the room says when something is not possible.

One function per code, so that wording and status stand in one place.
"""

from __future__ import annotations

from mecum.kit.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    StartError,
    TooMany,
    Unauthenticated,
    Unprocessable,
)


def signed_out() -> Unauthenticated:
    return Unauthenticated(
        "people.signed_out", "Nobody is signed in.", "Sign in, or send an API key as a Bearer token."
    )


def key_invalid() -> Unauthenticated:
    return Unauthenticated("people.key_invalid", "This API key is not valid.", "Make a new one under Settings, Keys.")


def sign_in_wrong() -> Unauthenticated:
    return Unauthenticated(
        "people.sign_in_wrong",
        "E-mail address and password don't belong together.",
        "Check both, or reset the password.",
    )


def code_wrong() -> Unauthenticated:
    return Unauthenticated(
        "people.code_wrong",
        "This code is not right, or was used before.",
        "Wait for the next code, or use a recovery code.",
    )


def second_factor_needed() -> Unauthenticated:
    return Unauthenticated(
        "people.second_factor_needed",
        "The second factor is still missing.",
        "Enter the code of your authenticator app.",
    )


def passkey_wrong() -> Unauthenticated:
    return Unauthenticated(
        "people.passkey_wrong", "This passkey could not be checked.", "Try again, or sign in another way."
    )


def passkey_not_registered(reason: str) -> BadRequest:
    return BadRequest(
        "people.passkey_not_registered",
        "The new passkey could not be checked.",
        "Try again.",
        params={"reason": reason},
    )


def passkeys_need_name() -> Conflict:
    return Conflict(
        "people.passkeys_need_name",
        "Passkeys need an address with a name, not a number.",
        "Open Mecum at localhost or at its public URL.",
    )


def challenge_gone() -> Gone:
    return Gone("people.challenge_gone", "This request for a passkey has expired or was used.", "Begin again.")


def disabled() -> Forbidden:
    return Forbidden("people.disabled", "This account is disabled.", "Ask an operator of this installation.")


def csrf_wrong() -> Forbidden:
    return Forbidden("people.csrf_wrong", "The page does not belong to this session any more.", "Reload the page.")


def origin_wrong(expected: str) -> Forbidden:
    return Forbidden(
        "people.origin_wrong",
        "This request came from another address than that of Mecum.",
        f"Open Mecum at {expected}.",
        params={"expected": expected},
    )


def session_needed() -> Forbidden:
    return Forbidden("people.session_needed", "An API key can't do this.", "Sign in with a browser.")


def sign_in_again() -> Forbidden:
    return Forbidden(
        "people.sign_in_again", "For this your last sign-in is too long ago.", "Sign in again, then repeat it."
    )


def wait(seconds: float) -> TooMany:
    whole = max(1, round(seconds))
    return TooMany(
        "people.wait", "Too many tries.", f"Try again in {whole} seconds.", params={"seconds": whole}, retry_after=whole
    )


def no_link() -> NotFound:
    return NotFound("people.no_link", "There is no such link.", "Check that it is complete.")


def link_over() -> Gone:
    return Gone("people.link_over", "This link was used already or has expired.", "Ask for a new one.")


def set_up_already() -> Conflict:
    return Conflict("people.set_up_already", "This installation has an owner already.", "Sign in instead.")


def sign_up_closed() -> Forbidden:
    return Forbidden(
        "people.sign_up_closed", "New accounts are made by the operators here.", "Ask an operator of this installation."
    )


def invitation_needed() -> Forbidden:
    return Forbidden(
        "people.invitation_needed", "A new account needs an invitation here.", "Ask an operator of this installation."
    )


def invitation_for_another() -> Unprocessable:
    return Unprocessable(
        "people.invitation_for_another",
        "This invitation is for another e-mail address.",
        "Use the address it was sent to.",
    )


def email_taken() -> Conflict:
    return Conflict(
        "people.email_taken", "There is an account with this e-mail address.", "Sign in, or reset its password."
    )


def email_malformed() -> Unprocessable:
    return Unprocessable("people.email_malformed", "This is not an e-mail address.", "Check it.")


def name_empty() -> Unprocessable:
    return Unprocessable("people.name_empty", "The name is empty.", "Enter one.")


def timezone_unknown(name: str) -> Unprocessable:
    return Unprocessable(
        "people.timezone_unknown",
        "There is no such time zone.",
        "Use one like Europe/Vienna.",
        params={"timezone": name},
    )


def locale_unknown(name: str) -> Unprocessable:
    return Unprocessable(
        "people.locale_unknown",
        "Mecum does not speak this language yet.",
        "Choose one of those offered.",
        params={"locale": name},
    )


def password_short(least: int) -> Unprocessable:
    return Unprocessable(
        "people.password_short",
        f"A password has at least {least} characters.",
        "Several words are good.",
        params={"least": least},
    )


def password_long(most: int) -> Unprocessable:
    return Unprocessable(
        "people.password_long", f"A password has at most {most} characters.", "Shorten it.", params={"most": most}
    )


def password_personal() -> Unprocessable:
    return Unprocessable(
        "people.password_personal",
        "This password is mostly your name, your address or the name of this service.",
        "Take words that nobody connects with you.",
    )


def password_pattern() -> Unprocessable:
    return Unprocessable(
        "people.password_pattern",
        "This password repeats itself or follows the keyboard.",
        "Take a few words without connection.",
    )


def password_wrong() -> Forbidden:
    return Forbidden("people.password_wrong", "The current password is not right.", "Enter it again.")


def confirmation_wrong() -> Unprocessable:
    return Unprocessable(
        "people.confirmation_wrong",
        "The e-mail address entered is not that of the account.",
        "Enter the account's address.",
    )


def last_owner() -> Conflict:
    return Conflict(
        "people.last_owner", "This is the only owner of the installation.", "Make somebody else an owner first."
    )


def last_credential() -> Conflict:
    return Conflict(
        "people.last_credential",
        "Without this there would be no way to sign in to the account.",
        "Add a passkey or a password first.",
    )


def role_too_high() -> Forbidden:
    return Forbidden("people.role_too_high", "Nobody can change or give a role above the own one.", "Ask an owner.")


def owner_only() -> Forbidden:
    return Forbidden("people.owner_only", "Only an owner may do this.", "Ask an owner of this installation.")


def no_person() -> NotFound:
    return NotFound("people.no_person", "There is no such person.")


def no_session() -> NotFound:
    return NotFound("people.no_session", "There is no such session.")


def no_key() -> NotFound:
    return NotFound("people.no_key", "There is no such key.")


def no_passkey() -> NotFound:
    return NotFound("people.no_passkey", "There is no such passkey.")


def no_space() -> NotFound:
    return NotFound("people.no_space", "There is no such space.")


def no_invitation() -> NotFound:
    return NotFound("people.no_invitation", "There is no such invitation.")


def too_many_keys(most: int) -> Conflict:
    return Conflict("people.too_many_keys", f"There can be at most {most} keys.", "Revoke one.", params={"most": most})


def too_many_passkeys(most: int) -> Conflict:
    return Conflict(
        "people.too_many_passkeys", f"There can be at most {most} passkeys.", "Remove one.", params={"most": most}
    )


def too_many_invitations(most: int) -> Conflict:
    return Conflict(
        "people.too_many_invitations",
        f"There can be at most {most} open invitations.",
        "Withdraw one.",
        params={"most": most},
    )


def invitations_closed() -> Conflict:
    return Conflict(
        "people.invitations_closed",
        "Sign-up is closed, so an invitation would not work.",
        "Allow sign-up by invitation.",
    )


def scopes_beyond() -> Forbidden:
    return Forbidden(
        "people.scopes_beyond", "A key can't be given more than the one who makes it may do.", "Choose fewer scopes."
    )


def scopes_empty() -> Unprocessable:
    return Unprocessable("people.scopes_empty", "A key without scopes can do nothing.", "Choose at least one.")


def expiry_past() -> Unprocessable:
    return Unprocessable("people.expiry_past", "The expiry lies in the past.", "Choose a later time.")


def export_busy() -> TooMany:
    return TooMany(
        "people.export_busy",
        "An archive of yours is being downloaded.",
        "Wait for it, or stop that download.",
        retry_after=10.0,
    )


def export_unknown() -> NotFound:
    return NotFound("people.export_unknown", "There is no archive at this address.", "Ask for a new one.")


def totp_missing() -> Conflict:
    return Conflict("people.totp_missing", "There is no authenticator app on this account.", "Set one up first.")


def totp_there() -> Conflict:
    return Conflict("people.totp_there", "There is an authenticator app on this account already.", "Remove it first.")


def confirm_address() -> Forbidden:
    return Forbidden(
        "people.confirm_address",
        "Here an address is confirmed before it gets an account.",
        "Ask for a link to the address first, then make the account with it.",
    )


def no_mail() -> Conflict:
    return Conflict(
        "people.no_mail",
        "This installation sends no mail, so no address can be confirmed.",
        "Ask whoever runs it to vouch for the address.",
    )


def address_changed(old: str, new: str, passkeys: int) -> StartError:
    return StartError(
        "people.address_changed",
        f"Mecum was run as {old}, and {passkeys} passkeys work there alone. As {new} they would stop working.",
        f"Start it with --public-url {old}, or see what breaks and change it: mecum public-url set {new}",
        params={"old": old, "new": new, "count": passkeys},
    )


def address_unknown() -> Conflict:
    return Conflict(
        "people.address_unknown",
        "It is not known yet under which address the passkeys of this installation were made.",
        "Start Mecum once under the address that it had until now, then try again.",
    )
