"""Decisions of the room, without effects."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import unicodedata
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from mecum.kit.types import InstallationRole, Scope
from mecum.rooms.people import errors

EMAIL_CHARS_MAX = 254
NAME_CHARS_MAX = 200
PASSWORD_CHARS_MAX = 500
UNPREDICTABLE_CHARS_MIN = 5
BEYOND_PERSONAL_CHARS_MIN = 6
PERSONAL_PART_CHARS_MIN = 3
THROTTLE_DOUBLINGS_MAX = 30

_EMAIL = re.compile(r"[^\s@<>()\[\]\",;:\\\x00-\x1f]+@[^\s@<>()\[\]\",;:\\\x00-\x1f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_KEYBOARD = ("1234567890", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm")
_RANKS: dict[InstallationRole, int] = {"member": 0, "operator": 1, "owner": 2}
_NEIGHBOURS = frozenset(pair for row in _KEYBOARD for a, b in itertools.pairwise(row) for pair in (a + b, b + a))

TokenVerdict: TypeAlias = Literal["ok", "over", "reused"]


def clean_email(text: str) -> str:
    """`text` as an address to write to.

    Raises:
        Unprocessable: it is not one.
    """
    address = unicodedata.normalize("NFKC", text).strip()
    try:
        Address(addr_spec=address)
    except (ValueError, IndexError, MessageError):
        raise errors.email_malformed() from None
    if len(address) > EMAIL_CHARS_MAX or not _EMAIL.fullmatch(address) or not address.isprintable():
        raise errors.email_malformed()
    return address


def email_key(address: str) -> str:
    """What two spellings of one address have in common: case and Unicode form do not matter."""
    return unicodedata.normalize("NFKC", address).strip().casefold()[:320]


def rp_id_of(public_url: str) -> str:
    """The host name that passkeys are bound to (WebAuthn Level 3, 5.1.2). It has no port."""
    return urlsplit(public_url).hostname or ""


def clean_name(text: str) -> str:
    """`text` as a person's name: one line, not empty. Raises Unprocessable."""
    name = " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", text)).split())[:NAME_CHARS_MAX]
    if not name:
        raise errors.name_empty()
    return name


def clean_timezone(name: str) -> str:
    """An IANA time zone name. Raises Unprocessable."""
    try:
        ZoneInfo(name)
    except (OSError, LookupError, ValueError):
        raise errors.timezone_unknown(name[:64]) from None
    return name


def clean_locale(name: str, offered: tuple[str, ...]) -> str:
    """One of the languages offered. Raises Unprocessable."""
    if name not in offered:
        raise errors.locale_unknown(name[:16])
    return name


def prepared_password(password: str) -> str:
    """The form that is hashed: NFKC, so that two keyboards give the same bytes (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, least: int, personal: tuple[str, ...]) -> None:
    """Whether `password` may be taken. Only what an attacker tries first is refused; no character classes, no lists.

    Args:
        personal: the person's address and name, and the names of the service.

    Raises:
        Unprocessable: too short, too long, made of personal words, or a repetition or sequence.
    """
    text = prepared_password(password)
    if len(text) < least:
        raise errors.password_short(least)
    if len(text) > PASSWORD_CHARS_MAX:
        raise errors.password_long(PASSWORD_CHARS_MAX)
    lowered = text.casefold()
    if _is_pattern(lowered):
        raise errors.password_pattern()
    if _is_personal(lowered, personal):
        raise errors.password_personal()


def _is_pattern(text: str) -> bool:
    """Repeats of a short piece, runs of one character, alphabet, digits or keyboard rows."""
    period = (text + text).find(text, 1)
    if period <= len(text) // 2 and period < UNPREDICTABLE_CHARS_MIN:
        return True
    jumps = 1 + sum(not _follows(a, b) for a, b in itertools.pairwise(text))
    return jumps < UNPREDICTABLE_CHARS_MIN


def _follows(a: str, b: str) -> bool:
    return abs(ord(a) - ord(b)) <= 1 or a + b in _NEIGHBOURS


def _is_personal(text: str, personal: tuple[str, ...]) -> bool:
    parts: set[str] = set()
    for each in personal:
        whole = each.casefold()
        parts.update((whole, *re.split(r"[\W_]+", whole)))
    known = sorted((part for part in parts if len(part) >= PERSONAL_PART_CHARS_MIN), key=len, reverse=True)
    rest = text
    for part in known:
        rest = rest.replace(part, "")
    touched = rest != text
    return touched and sum(c.isalnum() for c in rest) < BEYOND_PERSONAL_CHARS_MIN


def may_act_on(actor: InstallationRole, target: InstallationRole, given: InstallationRole | None = None) -> bool:
    """Whether somebody with the role `actor` may change a person with the role `target`, or give the role `given`."""
    highest = max(_RANKS[target], _RANKS[given or "member"])
    return _RANKS[actor] >= _RANKS["operator"] and _RANKS[actor] >= highest


def leaves_no_owner(owners: int, is_owner: bool, stays_owner: bool) -> bool:
    """Whether a change takes the last active owner away. `owners` counts the active ones before it."""
    return is_owner and not stays_owner and owners <= 1


def may_give_scopes(held: frozenset[Scope], asked: frozenset[Scope], role: InstallationRole) -> bool:
    """Whether a key with the scopes `asked` may be made by one who has `held`.

    `admin` takes a role that administers.
    """
    return asked <= held and ("admin" not in asked or role != "member")


@dataclass(frozen=True, slots=True)
class TokenState:
    """What decides about a session token: the session's times and the token's own."""

    revoked_at: dt.datetime | None
    expires_at: dt.datetime
    last_seen_at: dt.datetime
    retires_at: dt.datetime | None


def judge_token(token: TokenState, now: dt.datetime, idle: dt.timedelta) -> TokenVerdict:
    """Whether a session token may be used.

    `reused`: a token that was replaced came back after its grace, so two parties hold the session (RFC 9700, 4.14.2).
    """
    if token.revoked_at is not None or token.expires_at <= now or token.last_seen_at + idle <= now:
        return "over"
    if token.retires_at is not None and token.retires_at <= now:
        return "reused"
    return "ok"


def rotation_due(
    issued_at: dt.datetime, newest_at: dt.datetime, now: dt.datetime, age: dt.timedelta, grace: dt.timedelta
) -> bool:
    """Whether a request with a token issued at `issued_at` gets a new one.

    A newer token that was handed out a moment ago is on its way to the same browser: then none. When it never came
    back, its
    answer was lost, and another is handed out.
    """
    if newest_at > issued_at:
        return now - newest_at >= grace
    return now - issued_at >= age


@dataclass(frozen=True, slots=True)
class ThrottlePolicy:
    """`free` tries, then waits of 1, 2, 4 ... seconds up to `longest`; forgotten after `forget` without a try."""

    free: int
    longest: dt.timedelta
    forget: dt.timedelta


@dataclass(frozen=True, slots=True)
class Throttle:
    attempts: int
    last_at: dt.datetime
    blocked_until: dt.datetime | None


def next_throttle(before: Throttle | None, now: dt.datetime, policy: ThrottlePolicy) -> tuple[Throttle, float]:
    """The counter after one more try, and for how many seconds the try has to wait (0: it may go on).

    A try that has to wait is not counted, so that knocking does not keep the owner out for ever.
    """
    if before is not None and before.blocked_until is not None and before.blocked_until > now:
        return before, (before.blocked_until - now).total_seconds()
    known = before.attempts if before is not None and now - before.last_at < policy.forget else 0
    attempts = known + 1
    over = attempts - policy.free
    if over < 0:
        return Throttle(attempts, now, None), 0.0
    pause = min(policy.longest, dt.timedelta(seconds=2 ** min(over, THROTTLE_DOUBLINGS_MAX)))
    return Throttle(attempts, now, now + pause), 0.0


def network_of(address: str) -> str:
    """What a throttle counts by: an IPv4 address, or the /64 that an IPv6 customer gets."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)
