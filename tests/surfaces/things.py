"""Things of one person, made when a test asks for them, each with a word in it that nobody else may ever see."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from mecum.kit.ids import decode
from mecum.rooms.people.links import Links
from mecum.rooms.people.settings import PeopleSettings
from tests.rooms.people.authenticator import Authenticator
from tests.support.fake_replies import command
from tests.support.living_house import MEMBER, House

T = TypeVar("T")

CANARY = "quillonfeather"
HOUR = dt.timedelta(hours=1)


def waited_for(look: Callable[[], T | None], within_s: float = 10) -> T:
    end = time.monotonic() + within_s
    while (found := look()) is None:
        assert time.monotonic() < end, "not in time"
        time.sleep(0.03)
    return found


def post(house: House, text: str, **more: Any) -> str:
    """The thread of a new message of the owner."""
    return house.post("/api/messages", {"client_id": f"{time.monotonic_ns()}", "text": text, **more})["thread"]


def ended(log: list[dict[str, Any]]) -> dict[str, Any]:
    """The payload of the one end of the one run in `log`."""
    ends = [event for event in log if event["type"] == "run.finished"]
    assert len(ends) == 1, [event["type"] for event in log]
    assert log[-1] is ends[0]
    assert [event["type"] for event in log].count("message.assistant") == 1
    return ends[0]["payload"]


class Things:
    """Of `person`, through a key of theirs; what belongs to the installation, through the owner's."""

    def __init__(self, house: House, person: str = MEMBER) -> None:
        self.house = house
        self.email = person
        self.key = house.key(person=person)
        self._number = 0

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.house.post(path, body, key=self.key, **more)

    def get(self, path: str) -> Any:
        return self.house.get(path, key=self.key)

    def client_id(self) -> str:
        self._number += 1
        return f"{time.monotonic_ns()}-{self._number}"

    def said(self, text: str) -> dict[str, Any]:
        """A message posted to a new thread, finished or waiting for an answer of the person."""
        return self.post("/api/messages", {"client_id": self.client_id(), "text": f"{CANARY} {text}"})

    @cached_property
    def thread(self) -> str:
        """A thread with a question and its answer, both with the word."""
        posted = self.said(f"Hello {command(text=f'The {CANARY} is quiet.')}")
        self.house.until_idle(posted["thread"], key=self.key)
        return posted["thread"]

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        return self.house.log(self.thread, key=self.key)

    def _event(self, type_: str) -> dict[str, Any]:
        return next(event for event in self.log if event["type"] == type_)

    @cached_property
    def message(self) -> str:
        return self._event("message.user")["message"]

    @cached_property
    def answer(self) -> str:
        return self._event("message.assistant")["message"]

    @cached_property
    def run(self) -> str:
        return self._event("run.started")["run"]

    @cached_property
    def waiting(self) -> tuple[str, str]:
        """A thread whose run waits for the person, and the wait."""
        form = f'{{"title":"{CANARY}","fields":[{{"label":"Which {CANARY}?"}}]}}'
        posted = self.said(f"Ask me {command(tools=[('ask_person', form)], text='Thanks.')}")

        def look() -> str | None:
            log = self.house.log(posted["thread"], key=self.key)
            return next((event["payload"]["wait"] for event in log if event["type"] == "run.waiting"), None)

        return posted["thread"], waited_for(look)

    @cached_property
    def deleted_thread(self) -> str:
        thread = self.thread
        assert self.house.request("DELETE", f"/api/threads/{thread}", key=self.key).status_code == 204
        return thread

    @cached_property
    def attachment(self) -> str:
        file = (f"{CANARY}.txt", f"A file about the {CANARY}.".encode(), "text/plain")
        answer = self.house.request("POST", "/api/attachments", key=self.key, files={"file": file})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    @cached_property
    def share(self) -> str:
        return self.post(f"/api/threads/{self.thread}/shares")["id"]

    @cached_property
    def schedule(self) -> str:
        body = {"title": CANARY, "text": f"Look for the {CANARY}.", "cron": "0 9 * * 1", "timezone": "UTC"}
        return self.post("/api/schedules", body)["id"]

    @cached_property
    def notification(self) -> str:
        """Told when work in the background is done; its title has the word."""
        self.post("/api/background", {"text": f"{CANARY} {command(text='Done.')}"})

        def look() -> str | None:
            items = self.get("/api/notifications")["items"]
            return next((item["id"] for item in items if CANARY in str(item["params"])), None)

        return waited_for(look)

    @cached_property
    def made_key(self) -> str:
        return self.post("/api/me/keys", {"name": CANARY, "scopes": ["chat"]})["id"]

    @cached_property
    def session(self) -> str:
        self.house.browser(self.email)
        return self.get("/api/me/sessions")["items"][0]["id"]

    @cached_property
    def passkey(self) -> str:
        browser = self.house.browser(self.email)
        made = browser.request("POST", "/api/me/passkeys/options", json={}).json()
        credential = Authenticator(self.house.url).create(made["options"])
        body = {"challenge_id": made["challenge_id"], "name": CANARY, "credential": credential}
        answer = browser.request("POST", "/api/me/passkeys", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    @cached_property
    def export_ticket(self) -> str:
        return self.post("/api/me/export")["url"].rsplit("/", 1)[1]

    @cached_property
    def verification(self) -> str:
        """The secret of a link that confirms the person's address; without a mail server none is ever sent."""
        kit, person = self.house.app.kit, self.get("/api/me")
        links = Links(kit, PeopleSettings())

        async def made() -> str:
            async with kit.db.transaction() as connection:
                about = {"person": decode("prs", person["id"]), "email": person["email"]}
                return links.token(await links.make(connection, "verification", HOUR, **about))

        return self.house.run(made())

    @cached_property
    def space(self) -> str:
        return self.house.browser(self.email).request("GET", "/api/session").json()["space"]["id"]

    @cached_property
    def response(self) -> str:
        """A stored response of the entity."""
        asked = f"{CANARY} {command(text=f'The {CANARY} again.')}"
        return self.post("/v1/responses", {"model": "mecum", "input": asked})["id"]

    @cached_property
    def relay_response(self) -> str:
        """A response that the relay stored."""
        asked = f"{CANARY} {command(text=f'The {CANARY} again.')}"
        return self.post("/v1/responses", {"model": "plain", "input": asked})["id"]

    def uploaded(self) -> str:
        """A file of requests for a batch."""
        asked = {"model": "plain", "messages": [{"role": "user", "content": f"{CANARY} {command(text=CANARY)}"}]}
        line = {"custom_id": CANARY, "method": "POST", "url": "/v1/chat/completions", "body": asked}
        file = (f"{CANARY}.jsonl", json.dumps(line).encode(), "application/jsonl")
        answer = self.house.request("POST", "/v1/files", key=self.key, files={"file": file}, data={"purpose": "batch"})
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    @cached_property
    def file(self) -> str:
        return self.uploaded()

    @cached_property
    def spare_file(self) -> str:
        return self.uploaded()

    @cached_property
    def batch(self) -> str:
        asked = {"input_file_id": self.file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        return self.post("/v1/batches", asked)["id"]

    @cached_property
    def person(self) -> str:
        """A person for the owner to change."""
        return self.house.add_person(f"{CANARY}.{self.client_id()}@example.org")

    @cached_property
    def invitation(self) -> str:
        self.house.request("PUT", "/api/settings/sign-up", json={"policy": "invitation"}).raise_for_status()
        return self.house.post("/api/invitations", {"email": f"{CANARY}.{self.client_id()}@example.org"})["id"]

    @cached_property
    def connected(self) -> dict[str, Any]:
        """A provider with one model. Their names are for everybody, its key is for nobody."""
        name = f"provider-{self.client_id()}"
        body = {"name": name, "base_url": self.house.fake.base_url, "key": CANARY, "models": []}
        models = [{"upstream_model": "fake", "name": f"model-{name}", "kind": "chat"}]
        return self.house.post("/api/providers", {**body, "models": models})

    @cached_property
    def provider(self) -> str:
        return self.connected["id"]

    @cached_property
    def model(self) -> str:
        return self.connected["models"][0]["id"]

    @cached_property
    def account(self) -> str:
        """A second key of the provider."""
        body = {"key": "sk-2", "name": f"key {self.client_id()}"}
        keys = self.house.post(f"/api/providers/{self.provider}/keys", body)["keys"]
        return next(key["id"] for key in keys if key["name"] == body["name"])

    @cached_property
    def alias(self) -> str:
        body = {"name": f"alias-{self.client_id()}", "tiers": [[self.model_name]]}
        return self.house.post("/api/aliases", body)["id"]

    @cached_property
    def price(self) -> str:
        """A price that is to come, which can be taken back."""
        body = {"input": "1.00", "output": "2.00", "since": "2099-01-01T00:00:00Z"}
        return self.house.post(f"/api/models/{self.model}/prices", body)["id"]

    @cached_property
    def budget(self) -> str:
        """Of the person, set by the owner."""
        me = self.get("/api/me")["id"]
        body = {"subject": "person", "subject_id": me, "unit": "tokens", "amount": 10**9, "hard": False}
        found = self.house.get(f"/api/budgets?subject={body['subject_id']}")["items"]
        kept = [each["id"] for each in found if each["subject"] == "person" and each["set_by"] == "operator"]
        return kept[0] if kept else self.house.post("/api/budgets", {**body, "period": "week"})["id"]

    @cached_property
    def own_budget(self) -> str:
        """Set by the person for a key of theirs."""
        body = {"key": self.made_key, "unit": "tokens", "amount": 10**9, "period": "month", "hard": False}
        return self.post("/api/usage/budgets", body)["id"]

    @cached_property
    def model_name(self) -> str:
        return self.connected["models"][0]["name"]
