"""Building the room."""

from __future__ import annotations

from mecum.kit.jobs import JobSpec
from mecum.kit.outbox import Subscription
from mecum.kit.room import Kit, Room
from mecum.rooms.models.answering import Answering
from mecum.rooms.models.api import build_router
from mecum.rooms.models.calls import Calls
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.exporting import Exporting
from mecum.rooms.models.face import ModelsRoom
from mecum.rooms.models.health import Health
from mecum.rooms.models.local import Local
from mecum.rooms.models.meter import Meter
from mecum.rooms.models.ports import Ports
from mecum.rooms.models.providers import Providers
from mecum.rooms.models.relay.asked import Asking
from mecum.rooms.models.relay.background import Background
from mecum.rooms.models.relay.chat import ChatDoor
from mecum.rooms.models.relay.door import RelayRoom
from mecum.rooms.models.relay.responses import ResponsesDoor
from mecum.rooms.models.relay.shelf import MAKE, Shelf
from mecum.rooms.models.relay.vectors import VectorsDoor
from mecum.rooms.models.retries import Quirks
from mecum.rooms.models.sending import Sender
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.trials import Trials
from mecum.rooms.models.upstream import Upstream
from mecum.rooms.models.wires.openai_chat import OpenAiChat
from mecum.rooms.people import PERSON_ERASED


def build(kit: Kit, ports: Ports, settings: ModelsSettings) -> Room[ModelsRoom]:
    """The room, with what it needs from others bound."""
    upstream = Upstream(settings, kit.clock)
    health = Health(kit.db)
    meter = Meter(kit.db, settings)
    catalogue = Catalogue(kit.db, kit.secrets, kit.clock, ports)
    chat = OpenAiChat(upstream, Quirks(), settings)
    local = Local(ports.engine, chat, kit.clock, settings)
    trials = Trials(upstream, chat, local, ports.embedder, kit.clock)
    providers = Providers(kit.db, kit.secrets, kit.clock, ports.audit, catalogue, trials, settings)
    calls = Calls(ports, meter, kit.clock)
    sender = Sender(upstream, health, settings)
    answering = Answering(catalogue, calls, chat, local, sender, health, ports, settings)
    shelf = Shelf(kit.db, kit.jobs, kit.bus, kit.clock, settings)
    asking = Asking(catalogue, shelf, kit.clock, settings)
    chat_door = ChatDoor(catalogue, calls, sender, answering, kit.clock, settings)
    responses = ResponsesDoor(asking, shelf, calls, sender, health, answering, settings)
    vectors = VectorsDoor(catalogue, calls, sender, answering)
    relay = RelayRoom(catalogue, chat_door, responses, vectors, shelf, settings)
    background = Background(responses, asking, shelf, ports.persons, kit.bus)
    exporting = Exporting(kit.db)
    face = ModelsRoom(answering, catalogue, local, relay, exporting, settings)

    async def start() -> None:
        await upstream.start()
        await meter.start()

    async def stop() -> None:
        await shelf.flush()
        await meter.stop()
        await health.stop()
        await upstream.close()

    return Room(
        name="models",
        face=face,
        router=build_router(face, local, providers, trials),
        jobs=[
            JobSpec(MAKE, background.make, attempts_max=5),
            JobSpec("models.sweep_responses", shelf.sweep, cron="23 * * * *"),
        ],
        handlers=[Subscription(PERSON_ERASED, "models.erase_person", exporting.erase)],
        start=start,
        stop=stop,
    )
