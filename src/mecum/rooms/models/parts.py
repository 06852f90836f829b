"""The parts of the room, put together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from mecum.kit.room import Kit
from mecum.rooms.models.accounts import Accounts
from mecum.rooms.models.aliases import Aliases
from mecum.rooms.models.answering import Answering
from mecum.rooms.models.batches.asking import Asker
from mecum.rooms.models.batches.door import BulkRoom
from mecum.rooms.models.batches.files import Files
from mecum.rooms.models.batches.ordering import Ordering
from mecum.rooms.models.batches.working import BatchWork
from mecum.rooms.models.budgets.keeper import Keeper
from mecum.rooms.models.budgets.managing import Budgets
from mecum.rooms.models.budgets.telling import BudgetTelling
from mecum.rooms.models.built_in import BuiltInAccess
from mecum.rooms.models.calls import Calls
from mecum.rooms.models.capacity.history import Histories
from mecum.rooms.models.capacity.looking import Looking
from mecum.rooms.models.catalogue import LOCAL_PROVIDER, Catalogue
from mecum.rooms.models.exporting import Exporting
from mecum.rooms.models.face import ModelsRoom
from mecum.rooms.models.forgetting import Forgetting
from mecum.rooms.models.gate.door import Gate, Replicas
from mecum.rooms.models.health import Health
from mecum.rooms.models.local import Local, line_full
from mecum.rooms.models.meter import Meter
from mecum.rooms.models.planning.planner import Planner
from mecum.rooms.models.ports import Ports
from mecum.rooms.models.pricing.lists import PriceLists
from mecum.rooms.models.providers import Providers
from mecum.rooms.models.relay.asked import Asking
from mecum.rooms.models.relay.background import Background
from mecum.rooms.models.relay.chat import ChatDoor
from mecum.rooms.models.relay.door import RelayRoom
from mecum.rooms.models.relay.responses import ResponsesDoor
from mecum.rooms.models.relay.shelf import Shelf
from mecum.rooms.models.relay.vectors import VectorsDoor
from mecum.rooms.models.reports.mine import MyUsage
from mecum.rooms.models.resting import Resting
from mecum.rooms.models.router.choosing import Choosing
from mecum.rooms.models.router.ledger import Ledger
from mecum.rooms.models.router.routing import Router
from mecum.rooms.models.sending import Sender
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.trials import Trials
from mecum.rooms.models.upstream import Upstream
from mecum.rooms.models.wires.wires import Wires


@dataclass(frozen=True, slots=True)
class Parts:
    """What the room mounts and stops."""

    upstream: Upstream
    health: Health
    gate: Gate
    keeper: Keeper
    meter: Meter
    budgets: Budgets
    my_usage: MyUsage
    catalogue: Catalogue
    local: Local
    trials: Trials
    providers: Providers
    accounts: Accounts
    aliases: Aliases
    ledger: Ledger
    choosing: Choosing
    built_in: BuiltInAccess
    prices: PriceLists
    shelf: Shelf
    background: Background
    files: Files
    batch_work: BatchWork
    forgetting: Forgetting
    looking: Looking
    histories: Histories
    face: ModelsRoom

    async def start(self) -> None:
        await self.upstream.start()
        await self.gate.start()
        await self.keeper.start()
        await self.meter.start()
        await self.ledger.start()

    async def stop(self) -> None:
        """What is still to be written is written before the database closes."""
        await self.catalogue.stop()
        await self.gate.stop()
        await self.shelf.flush()
        await self.ledger.stop()
        await self.meter.stop()
        await self.keeper.stop()
        await self.health.stop()
        await self.upstream.close()


def assemble(kit: Kit, ports: Ports, settings: ModelsSettings) -> Parts:
    gate = Gate(kit.clock, settings, None if kit.valkey_url is None else _replicas(kit.valkey_url))
    upstream = Upstream(settings, kit.clock, gate.refused)
    health = Health(kit.db, kit.clock)
    resting = Resting(kit.clock)
    keeper = Keeper(kit.db, kit.clock, settings)
    meter = Meter(kit.db, kit.clock, settings, keeper, BudgetTelling(kit.notify, ports.overseers, settings))
    currency = settings.currency
    catalogue = Catalogue(
        kit.db, kit.secrets, kit.clock, ports, currency, resting, lambda known: gate.state(known.stated())
    )
    wires = Wires(upstream, settings)
    planner = Planner(kit.clock)
    local = Local(ports.engine, wires, planner, kit.clock)
    gate.add_slots(LOCAL_PROVIDER, local.slots, settings.local_queue_max, line_full)
    trials = Trials(upstream, wires, local, gate, ports.embedder, kit.clock)
    accounts = Accounts(kit.db, kit.secrets, kit.clock, ports.audit, catalogue, settings)
    providers = Providers(kit.db, kit.clock, ports.audit, catalogue, accounts, trials, settings)
    calls = Calls(keeper, gate, meter, kit.clock)
    sender = Sender(upstream, health, resting, settings)
    ledger = Ledger(kit.db, kit.clock, settings)
    router = Router(catalogue, gate, ledger, kit.clock, settings)
    answering = Answering(catalogue, router, calls, wires, local, planner, sender, resting, health, ports, settings)
    shelf = Shelf(kit.db, kit.jobs, kit.bus, kit.clock, settings)
    asking = Asking(catalogue, router, shelf, kit.clock, settings)
    chat_door = ChatDoor(catalogue, router, calls, sender, answering, kit.clock, settings)
    responses = ResponsesDoor(asking, shelf, calls, sender, health, answering, settings)
    vectors = VectorsDoor(catalogue, calls, sender, answering, ports.embedder, settings)
    relay = RelayRoom(catalogue, chat_door, responses, vectors, shelf, settings)
    files = Files(kit.db, kit.blobs, kit.clock, settings)
    bulk = BulkRoom(files, Ordering(kit.db, kit.jobs, kit.bus, kit.clock, settings), settings)
    doors = {
        "/v1/chat/completions": partial(chat_door.answer, tier="batch"),
        "/v1/responses": partial(responses.answer, tier="batch"),
        "/v1/embeddings": partial(vectors.answer, tier="batch"),
    }
    asker = Asker(doors, ports.persons)
    my_usage = MyUsage(kit.db, kit.clock, settings)
    exporting = Exporting(kit.db, kit.blobs, kit.clock)
    return Parts(
        upstream=upstream,
        health=health,
        gate=gate,
        keeper=keeper,
        meter=meter,
        budgets=Budgets(kit.db, kit.clock, keeper, ports, settings),
        my_usage=my_usage,
        catalogue=catalogue,
        local=local,
        trials=trials,
        providers=providers,
        accounts=accounts,
        aliases=Aliases(kit.db, kit.clock, ports.audit, catalogue, settings),
        ledger=ledger,
        choosing=Choosing(kit.db, ports.audit, catalogue),
        built_in=BuiltInAccess(kit.db, ports.audit, catalogue),
        prices=PriceLists(kit.db, kit.clock, ports.audit, catalogue, settings),
        shelf=shelf,
        background=Background(responses, asking, shelf, ports.persons, kit.bus),
        files=files,
        batch_work=BatchWork(kit.db, kit.jobs, kit.bus, kit.blobs, kit.clock, asker, settings),
        forgetting=Forgetting(kit.db, kit.jobs, kit.blobs, kit.clock, settings),
        looking=Looking(gate, catalogue, ports.names, kit.clock),
        histories=Histories(kit.db, gate, kit.clock, settings),
        face=ModelsRoom(answering, catalogue, local, relay, bulk, exporting, my_usage, settings),
    )


def _replicas(url: str) -> Replicas:
    from mecum.rooms.models.gate.link import Link  # an optional dependency

    return Link(url)
