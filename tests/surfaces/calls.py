"""How each route is called by whom it is for: `test_authorisation.py` calls it as everybody else.

A new route needs a line here. `Owned` for a route that names a thing by its id, in its path or body; `Own` for one
that is about the caller alone; `Operated` for what owners and operators do; `Public` with the reason why anybody may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mecum.kit.types import Scope
from tests.surfaces.things import CANARY, Things

Fill = Callable[[Things], str]
Body = Callable[[Things], Any]

PLACES: Mapping[str, Fill] = {
    "thread": lambda t: t.thread,
    "message": lambda t: t.answer,
    "wait": lambda t: t.waiting[1],
    "attachment": lambda t: t.attachment,
    "share": lambda t: t.share,
    "schedule": lambda t: t.schedule,
    "key": lambda t: t.made_key,
    "session": lambda t: t.session,
    "passkey": lambda t: t.passkey,
    "response_id": lambda t: t.response,
    "file_id": lambda t: t.file,
    "batch_id": lambda t: t.batch,
    "person": lambda t: t.person,
    "invitation": lambda t: t.invitation,
    "provider": lambda t: t.provider,
    "model": lambda t: t.model,
    "name": lambda t: t.model_name,
    "alias": lambda t: t.alias,
    "price": lambda t: t.price,
    "budget": lambda t: t.budget,
    "ticket": lambda t: t.export_ticket,
}
"""What stands in a path for each name."""
ACCOUNT_KEY: Mapping[str, Fill] = {"key": lambda t: t.account}
OWN_BUDGET: Mapping[str, Fill] = {"budget": lambda t: t.own_budget}
CAP: Mapping[str, Any] = {"unit": "tokens", "amount": 10**9, "period": "day", "hard": False}


@dataclass(frozen=True)
class Call:
    """A request, once the things exist that it names.

    Args:
        scopes: what a key needs for it, all of them; None when any key does.
        places: other things than `PLACES` has for this route.
        body: its JSON; query: what follows the path; upload: it takes a file.
        done: the statuses by which it is clear that whom it is for was heard.
    """

    scopes: Scope | tuple[Scope, ...] | None
    places: Mapping[str, Fill] = field(default_factory=dict[str, Fill])
    body: Body | None = None
    query: str = ""
    upload: bool = False
    done: tuple[int, ...] = ()

    @property
    def each_scope(self) -> tuple[Scope, ...]:
        return self.scopes if isinstance(self.scopes, tuple) else (self.scopes,) if self.scopes else ()


class Owned(Call):
    """Names a thing of the person: nobody else may do anything with it."""


class Own(Call):
    """About the caller alone: others get their own."""


class Operated(Call):
    """For owners and operators."""


@dataclass(frozen=True)
class Public:
    """Anybody may; `why` says why that is right."""

    why: str


def of(made: Mapping[str, Any]) -> Body:
    return lambda _: dict(made)


NO_BODY: Body = of({})
HELLO = {"client_id": "x", "text": "hello"}
CHAT = {"model": "mecum", "messages": [{"role": "user", "content": "hello"}]}
WAITING: Mapping[str, Fill] = {"thread": lambda t: t.waiting[0]}
RELAYED: Mapping[str, Fill] = {"response_id": lambda t: t.relay_response}
DOOR = "checks the page's origin itself, and throttles"

PUBLIC: Mapping[str, Public] = {
    "GET /api/openapi.json": Public("the interface's description, the same everywhere"),
    "GET /api/session": Public("says who is signed in, also when nobody is"),
    "GET /api/links/{token}": Public("the link is the secret"),
    "POST /api/setup": Public("the link is the secret; " + DOOR),
    "POST /api/sign-up": Public(DOOR),
    "POST /api/sign-up/request": Public("answers the same for every address; " + DOOR),
    "POST /api/sign-in": Public(DOOR),
    "POST /api/sign-in/second-factor": Public("takes the half-finished sign-in's cookie; " + DOOR),
    "POST /api/sign-in/passkey/options": Public(DOOR),
    "POST /api/sign-in/passkey": Public(DOOR),
    "POST /api/sign-out": Public("ends the session that the cookie names"),
    "POST /api/reset/request": Public("answers the same for every address; " + DOOR),
    "POST /api/reset": Public("the link is the secret; " + DOOR),
    "GET /api/shared/{token}": Public("the link is the secret: the person shared this copy"),
    "GET /readyz": Public("one word, for those who watch over the service"),
    "GET /metrics": Public("checks by itself: this machine, or a token; nothing about people in it"),
    "ANY /api": Public("says that there is nothing"),
    "ANY /api/{rest:path}": Public("says that there is nothing"),
    "ANY /v1": Public("says that there is nothing"),
    "ANY /v1/{rest:path}": Public("says that there is nothing"),
    "GET /{path:path}": Public("the web client's files, the same for everybody"),
}

TALKING: tuple[Scope, ...] = ("chat", "threads")
THREADS: Mapping[str, list[Call]] = {
    "GET /api/threads": [Own("threads"), Own("threads", query="?origin=api"), Own("threads", query="?archived=true")],
    "POST /api/threads": [Own("threads", body=NO_BODY)],
    "GET /api/threads/search": [Own("threads", query=f"?q={CANARY}")],
    "GET /api/threads/usage": [Own("threads")],
    "GET /api/threads/{thread}": [Owned("threads")],
    "PATCH /api/threads/{thread}": [Owned("threads", body=of({"title": "Mine now"}))],
    "DELETE /api/threads/{thread}": [Owned("threads")],
    "POST /api/threads/{thread}/restore": [Owned("threads", {"thread": lambda t: t.deleted_thread})],
    "POST /api/threads/{thread}/read": [Owned("threads")],
    "POST /api/threads/{thread}/branch": [Owned("threads", body=lambda t: {"message": t.message})],
    "POST /api/threads/{thread}/stop": [
        Owned(TALKING, body=NO_BODY),
        Owned(TALKING, WAITING, body=NO_BODY),
        Owned(TALKING, body=lambda t: {"run": t.run}),
    ],
    "POST /api/threads/{thread}/waits/{wait}": [Owned(TALKING, WAITING, body=of({"answer": {"values": {"f0": "x"}}}))],
    "GET /api/threads/{thread}/events": [Owned("threads"), Owned("threads", query="?after=1&limit=2")],
    "POST /api/threads/{thread}/messages": [
        Owned(TALKING, body=of(HELLO)),
        Owned(TALKING, body=lambda t: {**HELLO, "parent": t.message}),
    ],
    "POST /api/threads/{thread}/messages/{message}/regenerate": [Owned(TALKING, body=of({"client_id": "again"}))],
    "PUT /api/threads/{thread}/messages/{message}/feedback": [Owned(TALKING, body=of({"value": "up"}))],
    "POST /api/messages": [
        Own("chat", body=of(HELLO)),
        Owned("chat", body=lambda t: {**HELLO, "client_id": "files", "attachments": [t.attachment]}),
    ],
    "POST /api/background": [Own("chat", body=of({"client_id": "work", "text": "hello"}))],
    "POST /api/attachments": [Own("chat", upload=True)],
    "GET /api/attachments/{attachment}": [Owned("threads")],
    "GET /api/attachments/{attachment}/content": [Owned("threads")],
    "DELETE /api/attachments/{attachment}": [Owned("chat")],
    "POST /api/threads/{thread}/shares": [
        Owned("threads", body=NO_BODY),
        Owned("threads", body=lambda t: {"upto": t.answer}),
    ],
    "GET /api/threads/{thread}/shares": [Owned("threads")],
    "GET /api/shares": [Own("threads")],
    "DELETE /api/shares/{share}": [Owned("threads")],
    "GET /api/schedules": [Own(TALKING)],
    "POST /api/schedules": [
        Own(TALKING, body=of({"text": "hello", "cron": "0 9 * * 1", "timezone": "UTC"})),
        Own(TALKING, body=of({"text": "hello", "words": "every Monday at 9"})),
        Own(TALKING, body=of({"text": "hello", "at": "2099-05-03T09:00:00Z"})),
    ],
    "POST /api/schedules/read": [Own("chat", body=of({"text": "every Monday at 9", "timezone": "UTC"}))],
    "PATCH /api/schedules/{schedule}": [
        Owned(TALKING, body=of({"enabled": False})),
        Owned(TALKING, body=of({"cron": "0 9 * * 1", "timezone": "UTC"})),
        Owned(TALKING, body=of({"at": "2099-05-03T09:00:00Z"})),
    ],
    "DELETE /api/schedules/{schedule}": [Owned(TALKING)],
    "GET /api/me/stream": [Own("threads")],
}

ACCOUNT: Mapping[str, list[Call]] = {
    "GET /api/me": [Own(None)],
    "PATCH /api/me": [Own("account", body=of({"timezone": "UTC"}))],
    "DELETE /api/me": [Own("account", body=of({"confirm": "nobody@example.org"}), done=(403, 409, 422))],
    "POST /api/me/email/verification": [Own("account", done=(409,))],
    "POST /api/me/email/confirm": [Owned("account", body=lambda t: {"token": t.verification})],
    "POST /api/me/password": [Own("account", body=of({"current": "wrong", "new": None}), done=(401, 403, 409))],
    "POST /api/me/export": [Own("account")],
    "GET /api/me/export/{ticket}": [Owned("account")],
    "PUT /api/me/space": [Owned("account", body=lambda t: {"space": t.space}, done=(403,))],
    "GET /api/me/sessions": [Own("account")],
    "DELETE /api/me/sessions": [Own("account")],
    "DELETE /api/me/sessions/{session}": [Owned("account")],
    "GET /api/me/keys": [Own("account")],
    "POST /api/me/keys": [Own("account", body=of({"name": "mine", "scopes": ["chat"]}))],
    "DELETE /api/me/keys/{key}": [Owned("account")],
    "GET /api/me/passkeys": [Own("account")],
    "POST /api/me/passkeys/options": [Own("account", done=(403,))],
    "POST /api/me/passkeys": [
        Own("account", body=of({"challenge_id": "cha_" + "0" * 32, "name": "x", "credential": {}}), done=(403,))
    ],
    "PATCH /api/me/passkeys/{passkey}": [Owned("account", body=of({"name": "Mine now"}))],
    "DELETE /api/me/passkeys/{passkey}": [Owned("account", done=(403,))],
    "POST /api/me/totp": [Own("account", done=(403,))],
    "POST /api/me/totp/confirm": [Own("account", body=of({"code": "000000"}), done=(403, 409))],
    "DELETE /api/me/totp": [Own("account", body=of({"code": "000000"}), done=(403, 409))],
    "POST /api/me/recovery-codes": [Own("account", done=(403, 409))],
    "GET /api/notifications": [Own("account"), Own("account", query="?unread=true")],
    "POST /api/notifications/read": [Own("account", body=lambda t: {"ids": [t.notification]})],
    "GET /api/notifications/preferences": [Own("account")],
    "PUT /api/notifications/preferences": [Own("account", body=of({"kinds": {}, "quiet": None}))],
}

OPERATED: Mapping[str, list[Call]] = {
    "GET /api/organisations": [Operated("admin", query=f"?query={CANARY}")],
    "GET /api/people": [Operated("admin", query=f"?query={CANARY}")],
    "POST /api/people": [Operated("admin", body=of({"email": "new.person@example.org", "name": "New"}))],
    "PATCH /api/people/{person}": [Operated("admin", body=of({"name": "Renamed"}))],
    "POST /api/people/{person}/reset-link": [Operated("admin")],
    "DELETE /api/people/{person}": [Operated("admin")],
    "GET /api/invitations": [Operated("admin")],
    "POST /api/invitations": [Operated("admin", body=of({"email": "invited@example.org"}), done=(409,))],
    "DELETE /api/invitations/{invitation}": [Operated("admin")],
    "GET /api/settings/sign-up": [Operated("admin")],
    "PUT /api/settings/sign-up": [Operated("admin", body=of({"policy": "closed"}))],
    "GET /api/audit": [Operated("admin")],
    "POST /api/models/local/pause": [Operated("admin")],
    "POST /api/models/local/resume": [Operated("admin")],
    "GET /api/providers": [Operated("admin")],
    "POST /api/providers": [
        Operated("admin", body=lambda t: {"name": f"n{t.client_id()}", "base_url": t.house.fake.base_url})
    ],
    "PATCH /api/providers/{provider}": [Operated("admin", body=of({"key": "another"}))],
    "DELETE /api/providers/{provider}": [Operated("admin")],
    "PUT /api/models/default": [Operated("admin", body=of({"name": "fake"}))],
    "PATCH /api/models/{model}": [Operated("admin", body=of({"enabled": True}))],
    "DELETE /api/models/{model}": [Operated("admin")],
    "POST /api/providers/discover": [Operated("admin", body=lambda t: {"base_url": t.house.fake.base_url})],
    "POST /api/providers/test": [
        Operated("admin", body=lambda t: {"base_url": t.house.fake.base_url, "model": "fake"})
    ],
    "POST /api/models/{name:path}/test": [Operated("admin")],
    "POST /api/providers/{provider}/keys": [
        Operated("admin", body=lambda t: {"key": "sk-3", "name": f"key {t.client_id()}"})
    ],
    "PATCH /api/providers/{provider}/keys/{key}": [Operated("admin", places=ACCOUNT_KEY, body=of({"paused": True}))],
    "POST /api/providers/{provider}/keys/{key}/test": [Operated("admin", places=ACCOUNT_KEY)],
    "DELETE /api/providers/{provider}/keys/{key}": [Operated("admin", places=ACCOUNT_KEY)],
    "GET /api/aliases": [Operated("admin")],
    "POST /api/aliases": [
        Operated("admin", body=lambda t: {"name": f"alias-{t.client_id()}", "tiers": [[t.model_name]]})
    ],
    "PATCH /api/aliases/{alias}": [Operated("admin", body=of({"note": "Fast."}))],
    "DELETE /api/aliases/{alias}": [Operated("admin")],
    "GET /api/models/router": [Operated("admin")],
    "GET /api/models/local/access": [Operated("admin")],
    "PATCH /api/models/local/access": [Operated("admin", body=of({"hidden": False}))],
    "PUT /api/models/router": [Operated("admin", body=of({"mode": "itself"}))],
    "GET /api/prices": [Operated("admin")],
    "GET /api/prices/file": [Operated("admin")],
    "POST /api/prices/file": [Operated("admin", body=of({"format": "json", "text": '{"prices": []}', "apply": False}))],
    "GET /api/prices/{price}": [Operated("admin")],
    "DELETE /api/prices/{price}": [Operated("admin")],
    "GET /api/models/{model}/prices": [Operated("admin")],
    "POST /api/models/{model}/prices": [Operated("admin", body=of({"input": "1.00", "output": "2.00"}))],
    "GET /api/budgets": [Operated("admin")],
    "GET /api/budgets/overview": [Operated("admin")],
    "POST /api/budgets": [Operated("admin", body=of({**CAP, "subject": "each_person"}), done=(409,))],
    "PATCH /api/budgets/{budget}": [Operated("admin", body=of({"amount": 10**9}))],
    "POST /api/budgets/{budget}/give-back": [Operated("admin", body=of({"unattributed": 0}))],
    "DELETE /api/budgets/{budget}": [Operated("admin")],
    "GET /api/people/{person}/keys": [Operated("admin")],
    "GET /api/capacity": [Operated("admin")],
    "GET /api/capacity/history": [Operated("admin", query="?span=hour")],
}

MODELS: Mapping[str, list[Call]] = {
    "GET /api/usage": [Own("account")],
    "GET /api/usage/calls": [Own("account")],
    "GET /api/usage/budgets": [Own("account")],
    "POST /api/usage/budgets": [
        Own("account", body=of(CAP), done=(409,)),
        Owned("account", body=lambda t: {**CAP, "key": t.made_key}, done=(409,)),
    ],
    "PATCH /api/usage/budgets/{budget}": [Owned("account", places=OWN_BUDGET, body=of({"amount": 10**9}))],
    "DELETE /api/usage/budgets/{budget}": [Owned("account", places=OWN_BUDGET)],
    "GET /api/models": [Own(None)],
    "GET /api/models/local": [Own(None)],
    "POST /v1/chat/completions": [Own("chat", body=of(CHAT)), Own("models", body=of({**CHAT, "model": "plain"}))],
    "POST /v1/responses": [
        Own("chat", body=of({"model": "mecum", "input": "hello"})),
        Own("models", body=of({"model": "plain", "input": "hello"})),
        Owned("chat", body=lambda t: {"model": "mecum", "input": "hello", "previous_response_id": t.response}),
        Owned("models", body=lambda t: {"model": "plain", "input": "hello", "previous_response_id": t.relay_response}),
    ],
    "GET /v1/responses/{response_id}": [
        Owned("chat"),
        Owned("models", RELAYED),
        Owned("chat", query="?stream=true"),
    ],
    "DELETE /v1/responses/{response_id}": [Owned("chat"), Owned("models", RELAYED)],
    "POST /v1/responses/{response_id}/cancel": [Owned("chat"), Owned("models", RELAYED, done=(400,))],
    "GET /v1/responses/{response_id}/input_items": [Owned("chat"), Owned("models", RELAYED)],
    "POST /v1/embeddings": [Own("models", body=of({"model": "fake-embed", "input": "hello"}))],
    "POST /v1/files": [Own("models", upload=True, done=(400,))],
    "GET /v1/files": [Own("models")],
    "GET /v1/files/{file_id}": [Owned("models")],
    "DELETE /v1/files/{file_id}": [Owned("models", {"file_id": lambda t: t.spare_file})],
    "GET /v1/files/{file_id}/content": [Owned("models")],
    "POST /v1/batches": [
        Owned(
            "models",
            body=lambda t: {"input_file_id": t.file, "endpoint": "/v1/chat/completions", "completion_window": "24h"},
        )
    ],
    "GET /v1/batches": [Own("models")],
    "GET /v1/batches/{batch_id}": [Owned("models")],
    "POST /v1/batches/{batch_id}/cancel": [Owned("models", done=(200, 409))],
    "GET /v1/models": [Own(None)],
    "GET /v1/models/{model:path}": [Own("models", {"model": lambda _: "fake"})],
}

CALLS: Mapping[str, list[Call]] = {**THREADS, **ACCOUNT, **OPERATED, **MODELS}
