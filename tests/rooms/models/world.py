"""A small world for the models room: the real database, a fake provider, its routes behind a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID, uuid4

from fastapi import FastAPI
from openai import AsyncOpenAI
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from uvicorn import Config
from uvicorn.server import ServerState

from mecum.kit.blobs.local import FileBlobs
from mecum.kit.bus import LocalBus
from mecum.kit.clock import Clock, SystemClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import EngineUnavailable, MecumError, NotFound
from mecum.kit.http import Credentials, install_errors
from mecum.kit.outbox import Outbox
from mecum.kit.room import Kit, Room
from mecum.kit.streams import Streams
from mecum.kit.tools import ToolRegistry
from mecum.kit.types import PersonId, Principal, SpaceId, Surface
from mecum.rooms.models import ModelEvent, ModelRequest, RelayResponse
from mecum.rooms.models.face import ModelsRoom
from mecum.rooms.models.parts import Parts, assemble
from mecum.rooms.models.ports import Overseer, Ports
from mecum.rooms.models.providers import NewModel, NewProvider
from mecum.rooms.models.room import mounted
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store.catalogue import ProviderKind
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import vector
from tests.support.jobs import HandJobs
from tests.support.principals import principal

FAST = {
    "allow_network": False,
    "provider_connect_timeout_s": 2,
    "provider_first_byte_timeout_s": 5.0,
    "provider_whole_timeout_s": 5.0,
    "provider_chunk_timeout_s": 5.0,
    "provider_retries_max": 0,
    "relay_local_wait_s": 0.2,
}
IMPATIENT: dict[str, Any] = {
    "provider_first_byte_timeout_s": 1.0,
    "provider_whole_timeout_s": 1.0,
    "provider_chunk_timeout_s": 1.0,
}
"""For providers that hang. Elsewhere nobody hurries: the machine of a test may stand still for a moment."""


class Notices:
    """Remembers what people are told: kind, params and key."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any], str]] = []

    def register(self, kinds: object) -> None:
        return None

    async def notify(self, connection: object, *told: Any) -> None:
        _, _, _, kind, params, _, dedupe_key = told
        self.told.append((kind, dict(params), dedupe_key))


class OnePerson:
    """Only what background responses ask of the people room, and an ear for the audit log."""

    def __init__(self, caller: Principal) -> None:
        self.caller = caller
        self.actions: list[str] = []
        self.operators: list[Overseer] = []
        self.administrators: list[Overseer] = []
        self.key = uuid4()
        self.revoked: set[UUID] = set()

    async def person(self, person: PersonId) -> object:
        if person != self.caller.person:
            raise NotFound("people.no_person", "Nobody.")
        return self.caller

    async def key_owner(self, key: UUID) -> PersonId:
        if key != self.key:
            raise NotFound("people.no_key", "No key.")
        return self.caller.person

    async def overseers(self, connection: AsyncConnection, organisation: UUID | None) -> Sequence[Overseer]:
        return [*self.operators, *(self.administrators if organisation == self.caller.organisation else ())]

    async def key_stands(self, key: UUID) -> bool:
        return key not in self.revoked

    async def names(
        self, people: Collection[UUID], keys: Collection[UUID], organisations: Collection[UUID] = ()
    ) -> Mapping[UUID, str]:
        known = {self.caller.person: "Ines", self.key: "corpus", self.caller.organisation: "Home"}
        return {each: known[each] for each in (*people, *keys, *organisations) if each in known}

    async def principal_for_job(
        self, person: PersonId, space: SpaceId, job: UUID, surface: Surface = "none"
    ) -> Principal:
        assert (person, space) == (self.caller.person, self.caller.space)
        return self.caller

    async def record(
        self,
        connection: AsyncConnection,
        principal: Principal | None,
        action: str,
        subject: str,
        details: object = None,
    ) -> None:
        self.actions.append(action)


@dataclass
class FakeState:
    phase: str = "ready"
    progress: Any = None
    problem: MecumError | None = None


@dataclass(frozen=True)
class FakeProgress:
    bytes_done: int
    bytes_total: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class FakeEndpoint:
    base_url: str
    api_key: str
    model: str = "fake"
    slots: int = 1


@dataclass(frozen=True)
class FakeCard:
    name: str = "Tiny-1B"
    publisher: str = "Somebody"
    sha256: str = "cc32" * 16
    licence: str = "Apache-2.0"


class FakeEngine:
    """A built-in model whose child is the fake provider, and which arrives when it is told."""

    def __init__(self, fake: FakeProvider, phase: str = "ready") -> None:
        self.fake = fake
        self.state = FakeState(phase)
        self.card = FakeCard()
        self.paused = False
        self._changed = asyncio.Event()

    def arrive(self, phase: str = "ready", problem: MecumError | None = None) -> None:
        self.state = FakeState(phase, problem=problem)
        self._changed.set()

    async def ready(self, timeout_s: float | None = None) -> FakeEndpoint:
        try:
            async with asyncio.timeout(timeout_s):
                while self.state.phase in ("fetching", "loading"):
                    await self._changed.wait()
        except TimeoutError:
            raise EngineUnavailable("engine_loading", "Not yet.") from None
        if self.state.phase != "ready":
            raise self.state.problem or EngineUnavailable("engine_off", "Off.")
        return FakeEndpoint(self.fake.base_url, "local-key")

    @asynccontextmanager
    async def use(self, timeout_s: float | None = None) -> AsyncGenerator[FakeEndpoint]:
        yield await self.ready(timeout_s)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


@dataclass(frozen=True)
class FakeVectors:
    vectors: list[list[float]]
    tokens: int


class FakeEmbedder:
    model = "tiny-embedder"
    dimensions = 8

    def __init__(self) -> None:
        self.kinds: list[str] = []

    async def embed_counted(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> FakeVectors:
        self.kinds.append(kind)
        return FakeVectors([vector(text, 8) for text in texts], len(texts) * 3)


@dataclass
class World:
    kit: Kit
    parts: Parts
    room: Room[ModelsRoom]
    caller: Principal
    people: OnePerson
    jobs: HandJobs
    notices: Notices
    url: str = ""
    clients: list[AsyncOpenAI] = field(default_factory=list[AsyncOpenAI])

    @property
    def face(self) -> ModelsRoom:
        return self.room.face

    async def connect(
        self, fake: FakeProvider, *models: str | NewModel, name: str = "Fake", kind: ProviderKind | None = None
    ) -> None:
        """Connect the fake provider with models called after themselves; without any, one called `fake`."""
        new = [NewModel(model) if isinstance(model, str) else model for model in models or ("fake",)]
        await self.parts.providers.add(self.caller, NewProvider(name, fake.base_url, "sk-1", new, kind or fake.kind))

    async def usage(self) -> list[dict[str, Any]]:
        """All usage records, oldest first."""
        await self.parts.meter.flush()
        async with self.kit.db.transaction() as connection:
            rows = await connection.execute(text("SELECT * FROM models.usage ORDER BY request_id"))
            return [dict(row) for row in rows.mappings()]

    @property
    def openai(self) -> AsyncOpenAI:
        """The official client, talking to the relay; it repeats nothing by itself."""
        if not self.clients:
            self.clients.append(AsyncOpenAI(base_url=f"{self.url}/v1", api_key="k", max_retries=0, timeout=10))
        return self.clients[0]


async def answer(here: World, request: ModelRequest) -> list[ModelEvent]:
    return [event async for event in here.face.stream(here.caller, request)]


@asynccontextmanager
async def world(
    database: Database,
    jobs: HandJobs,
    data: Path,
    *,
    engine: FakeEngine | None = None,
    embedder: FakeEmbedder | None = None,
    clock: Clock | None = None,
    caller: Principal | None = None,
    valkey_url: str | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    caller = caller or principal(role="operator")
    clock = clock or SystemClock()
    nothing, notices = cast(Any, None), Notices()
    box = SecretBox.from_file(data / "keys")
    kit = Kit(
        db=database,
        jobs=jobs,
        outbox=Outbox(database, jobs, clock),
        bus=LocalBus(clock),
        clock=clock,
        secrets=box,
        tools=ToolRegistry(),
        blobs=FileBlobs(data, database, box, clock, limit_bytes=10_000_000, quota_bytes=20_000_000),
        mail=nothing,
        notify=cast(Any, notices),
        i18n=nothing,
        fetch=nothing,
        streams=Streams(100),
        data=data,
        public_url="http://localhost:8080",
        valkey_url=valkey_url,
    )
    people = OnePerson(caller)
    bound: dict[str, Any] = {"engine": engine} if engine is not None else {}
    ports = Ports(persons=people, audit=people, names=people, overseers=people, embedder=embedder, **bound)
    parts = assemble(kit, ports, ModelsSettings(**(FAST | settings)))
    room = mounted(parts)
    jobs.add(room.jobs)
    kit.outbox.subscribe(room.handlers)
    await room.start()
    built = World(kit, parts, room, caller, people, jobs, notices)
    try:
        async with serving(_app(built)) as url:
            built.url = url
            try:
                yield built
            finally:
                for client in built.clients:
                    await client.close()
    finally:
        await room.stop()


def _app(built: World) -> FastAPI:
    app = FastAPI()
    install_errors(app)

    async def authenticate(credentials: Credentials) -> Principal:
        return built.caller

    app.state.authenticate = authenticate
    assert built.room.router is not None
    app.include_router(built.room.router)
    relay = built.face.relay

    async def posted(request: Request) -> Response:
        door = {"completions": relay.chat_completions, "responses": relay.responses, "embeddings": relay.embeddings}
        return _sent(await door[request.url.path.rpartition("/")[2]](built.caller, await request.body()))

    async def models(request: Request) -> Response:
        return _sent(await relay.models(built.caller))

    async def model(request: Request) -> Response:
        return _sent(await relay.model(built.caller, request.path_params["name"]))

    async def stored(request: Request) -> Response:
        response_id = request.path_params["id"]
        if request.url.path.endswith("/input_items"):
            return _sent(
                await relay.input_items(built.caller, response_id, order=request.query_params.get("order", "desc"))
            )
        if request.url.path.endswith("/cancel"):
            return _sent(await relay.cancel(built.caller, response_id))
        verb = relay.delete if request.method == "DELETE" else relay.response
        return _sent(await verb(built.caller, response_id))

    for path in ("/v1/chat/completions", "/v1/responses", "/v1/embeddings"):
        app.add_route(path, posted, ["POST"])
    app.add_route("/v1/models", models)
    app.add_route("/v1/models/{name}", model)
    app.add_route("/v1/responses/{id}", stored, ["GET", "DELETE"])
    app.add_route("/v1/responses/{id}/input_items", stored)
    app.add_route("/v1/responses/{id}/cancel", stored, ["POST"])
    return app


def _sent(answer: RelayResponse) -> Response:
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, answer.headers)
    return StreamingResponse(answer.body, answer.status, answer.headers)


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The base URL of `app`, served over loopback in this event loop."""
    config = Config(app, log_config=None, access_log=False, lifespan="off", http="httptools", ws="none")
    config.load()
    state, protocol = ServerState(), cast(Any, config.http_protocol_class)
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for connection in list(state.connections):
            cast(Any, connection).transport.abort()
        tasks = list(state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
