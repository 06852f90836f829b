"""The composition root: builds the kit, then each room, then the surfaces. The only place where rooms meet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mecum import __version__
from mecum.bindings import Documents
from mecum.engines.embeddings import EmbeddingEngine
from mecum.engines.llm import LlmEngine
from mecum.engines.weights import Sources
from mecum.kit.arrival import Pace
from mecum.kit.description import describe
from mecum.kit.direct import Direct
from mecum.kit.errors import MecumError, StartError, Unavailable
from mecum.kit.gate import Asgi, Gate, openai_error
from mecum.kit.ground import build_kit
from mecum.kit.http import install_errors, problem
from mecum.kit.migrate import migrate
from mecum.kit.notify_api import router as notification_router
from mecum.kit.room import Kit, Room
from mecum.kit.sealed import require_key_file
from mecum.kit.settings import is_loopback
from mecum.kit.telemetry import LoopWatch, TelemetryMiddleware, exposition, flush_spans, may_read_metrics
from mecum.kit.types import Principal
from mecum.kit.unmatched import unmatched_routes
from mecum.rooms.assistant import NoRecall, NoReview
from mecum.rooms.assistant.room import Ports as AssistantPorts
from mecum.rooms.assistant.room import build as build_assistant
from mecum.rooms.models.ports import NoLocalEngine
from mecum.rooms.models.ports import Ports as ModelPorts
from mecum.rooms.models.room import build as build_models
from mecum.rooms.people import Exporter
from mecum.rooms.people.room import build as build_people
from mecum.settings import Settings
from mecum.surfaces.openai import described as openai_described
from mecum.surfaces.openai import openai_routes
from mecum.surfaces.web import client_routes, stream_router

logger = logging.getLogger(__name__)

OWN_LIMITS = ("/api/attachments", "/v1/")
"""Paths whose routes limit their own bodies."""
PROBE_S = 2.0
FLUSH_S = 0.5


class App:
    """The built house: `asgi` answers requests once `start` has run."""

    def __init__(self, settings: Settings, kit: Kit, rooms: Sequence[Room[Any]], gate: Gate, engines: Engines) -> None:
        self._settings = settings
        self._rooms = rooms
        self._engines = engines
        self._gate = gate
        self._loop_watch = LoopWatch()
        self.kit = kit
        self.asgi: Asgi = TelemetryMiddleware(gate)  # pyright: ignore[reportArgumentType]
        self.setup_url: str | None = None
        self.ready = False

    async def start(self) -> None:
        """Migrations, rooms, jobs.

        Raises:
            StartError: what is set up can't work: a newer database, or the world let in before there is an owner.
        """
        people = self._rooms[0].face
        if not is_loopback(self._settings.kit.host):
            if not self._settings.kit.public_url:
                raise StartError(
                    "public_url_missing", "Beyond this machine Mecum needs its address.", "Give --public-url https://…"
                )
            if not await people.has_owner():
                raise StartError(
                    "owner_missing",
                    "Beyond this machine Mecum needs an owner first.",
                    "Start it on 127.0.0.1 and open the set-up link, or run: mecum people add EMAIL --role owner",
                )
        self._loop_watch.start()
        for room in self._rooms:
            await room.start()
        if self._settings.kit.role != "server":
            await self.kit.jobs.start()
        await self._engines.start()
        self.setup_url = await people.setup_url()
        self.ready = True

    async def drain(self, seconds: float) -> None:
        """Refuse new work; running steps end or are handed back within `seconds`."""
        self._gate.draining = True
        self.ready = False
        await self.kit.jobs.stop(seconds)
        self.kit.streams.end()

    async def stop(self) -> None:
        self._gate.draining = True
        self.ready = False
        for room in reversed(self._rooms):
            try:
                await room.stop()
            except MecumError as error:
                logger.warning("The room %s did not stop cleanly: %s", room.name, error.code)
        await self._engines.stop()
        self._loop_watch.stop()
        await self.kit.bus.close()
        await self.kit.db.close()
        await flush_spans(FLUSH_S)


class Engines:
    """The embedded engines: the model starts with the house when it is wanted, the embedder on first use."""

    def __init__(self, settings: Settings, kit: Kit) -> None:
        llm = settings.llm
        sources = Sources(
            network=settings.kit.allow_network,
            hub_url=llm.models_hub_url,
            packages=llm.models_packages,
            clock=kit.clock,
        )
        wanted = llm.local_model != "none"
        self.llm = LlmEngine(llm, kit.data / "models", sources=sources, clock=kit.clock) if wanted else None
        self.embedder = EmbeddingEngine(settings.embeddings)

    async def start(self) -> None:
        if self.llm is not None:
            await self.llm.start()

    async def stop(self) -> None:
        if self.llm is not None:
            await self.llm.stop()
        await self.embedder.stop()


async def build(settings: Settings) -> App:
    """Build the house. The database is migrated; nothing runs yet.

    Raises:
        StartError: the settings, the database or the key file can't be used.
    """
    kit = await build_kit(settings.kit)
    await migrate(kit.db)
    await require_key_file(kit.db, kit.secrets)
    engines = Engines(settings, kit)

    exporters: list[Exporter] = []
    people = build_people(kit, settings.people, exporters, {"deleted_days": settings.assistant.deleted_days})
    model_ports = ModelPorts(
        persons=people.face,
        audit=people.face,
        names=people.face,
        overseers=people.face,
        engine=engines.llm or NoLocalEngine(),
        local_context_tokens=settings.llm.local_context,
        embedder=engines.embedder,
    )
    models = build_models(kit, model_ports, settings.models)
    documents = Documents(settings.documents)
    needs = AssistantPorts(people.face, models.face, NoRecall(), NoReview(), documents, documents, models.face)
    assistant = build_assistant(kit, needs, settings.assistant)
    exporters += [models.face.exporting, assistant.face.exporting]
    rooms: list[Room[Any]] = [people, models, assistant]
    for room in rooms:
        kit.jobs.add(room.jobs)
        kit.outbox.subscribe(room.handlers)
        kit.tools.add(room.tools)

    async def unread(caller: Principal) -> int:
        return (await kit.notify.unread_count(caller))[0]

    api = FastAPI(title="Mecum", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    api.state.authenticate = people.face.authenticate
    api.state.i18n = kit.i18n
    install_errors(api, {"/v1/": openai_error})
    describe(api, openai_described())
    for room in rooms:
        if room.router is not None:
            api.include_router(room.router)
        api.router.routes.extend(room.routes)
    api.include_router(notification_router(kit.notify))
    api.include_router(stream_router(kit.bus, people.face, assistant.face, unread, kit.streams))
    images_max = settings.assistant.images_per_request_max
    relay, bulk, who = models.face.relay, models.face.bulk, people.face.authenticate
    openai = openai_routes(who, relay, bulk, assistant.face, kit.streams, images_max=images_max)
    api.router.routes.extend(openai)
    gate_holder: list[App] = []
    _probes(api, settings, kit, gate_holder)
    known = list(api.router.routes)
    api.router.routes.extend(unmatched_routes("/api", known, problem))
    api.router.routes.extend(unmatched_routes("/v1", known, openai_error))
    api.router.routes.extend(client_routes(kit.i18n))
    gate = Gate(
        Direct(api, openai),
        i18n=kit.i18n,
        public_url=settings.kit.address,
        trusted_proxies=settings.kit.trusted_proxies,
        body_limit_bytes=settings.kit.body_limit_bytes,
        pace=Pace(settings.kit.body_idle_seconds, settings.kit.body_bytes_per_second_min),
        own_limits=OWN_LIMITS,
        hsts_days=settings.kit.hsts_days,
    )
    app = App(settings, kit, rooms, gate, engines)
    gate_holder.append(app)
    return app


def _probes(api: FastAPI, settings: Settings, kit: Kit, holder: list[App]) -> None:
    """`/readyz` and `/metrics`; `/healthz` is answered before the app."""

    async def readyz(request: Request) -> Response:
        try:
            async with asyncio.timeout(PROBE_S), kit.db.transaction() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except (TimeoutError, Unavailable):
            return PlainTextResponse("database\n", 503)
        return PlainTextResponse("ok\n" if holder[0].ready else "starting\n", 200 if holder[0].ready else 503)

    async def metrics(request: Request) -> Response:
        peer = request.client.host if request.client else ""
        if not may_read_metrics(settings.kit.metrics_token, peer, request.headers):
            return PlainTextResponse("not found\n", 404)
        with suppress(TimeoutError, Unavailable):  # the rest says how the process is without its database
            async with asyncio.timeout(PROBE_S):
                await kit.jobs.measure()
        body, media_type = exposition()
        return Response(body, media_type=media_type)

    api.add_route("/readyz", readyz, include_in_schema=False)
    api.add_route("/metrics", metrics, include_in_schema=False)
