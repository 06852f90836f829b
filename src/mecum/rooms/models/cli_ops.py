"""What commands on the machine do with models. They talk to the database, so they work while the server runs and while
it does not; a running server follows within seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import Conflict, EngineUnavailable, MecumError, NotFound
from mecum.kit.ids import decode
from mecum.kit.types import InstallationRole
from mecum.rooms.models import CatalogueModel, service
from mecum.rooms.models.access import Access, AccessKind
from mecum.rooms.models.accounts import AccountChange, Accounts, Limits
from mecum.rooms.models.aliases import AliasChange, Aliases
from mecum.rooms.models.budgets.commands import BudgetCommands, Found
from mecum.rooms.models.budgets.keeper import Keeper
from mecum.rooms.models.budgets.managing import Budgets
from mecum.rooms.models.built_in import BuiltInAccess
from mecum.rooms.models.catalogue import LOCAL_PROVIDER, Catalogue
from mecum.rooms.models.cli_more import AccessCommands, AliasCommands, KeyCommands, RouterCommands
from mecum.rooms.models.gate.door import Gate
from mecum.rooms.models.local import Local, line_full
from mecum.rooms.models.planning.planner import Planner
from mecum.rooms.models.ports import Audit, LocalCard, LocalEndpoint, LocalProgress, NoAudit, NoLocalEngine, Ports
from mecum.rooms.models.pricing.commands import PriceCommands
from mecum.rooms.models.pricing.lists import PriceLists
from mecum.rooms.models.providers import ModelChange, NewModel, NewProvider, ProviderChange, Providers, Timeouts
from mecum.rooms.models.resting import Resting
from mecum.rooms.models.router.choosing import Choosing
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import catalogue as store
from mecum.rooms.models.store.accounts import KEY
from mecum.rooms.models.trials import Trial, Trials
from mecum.rooms.models.upstream import Upstream
from mecum.rooms.models.wires.wires import Wires

__all__ = [
    "SEALED",
    "AccountChange",
    "AliasChange",
    "Limits",
    "Machine",
    "ModelCommands",
    "Timeouts",
    "Trial",
    "access_of",
]

SEALED = (KEY,)
"""What the room keeps sealed, for the rotation of keys."""
ROLES: tuple[InstallationRole, ...] = ("owner", "operator", "member")


@dataclass(frozen=True, slots=True)
class Machine:
    """The least that the commands need. A `Kit` does as well."""

    db: Database
    clock: Clock
    secrets: SecretBox


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    phase: str = "ready"
    progress: LocalProgress | None = None
    problem: MecumError | None = None


class _InTheServer(NoLocalEngine):
    """The built-in model as a command sees it: it runs in the server's keeping, not here."""

    state = _Elsewhere()
    card: LocalCard | None = None

    async def ready(self, timeout_s: float | None = None) -> LocalEndpoint:
        raise EngineUnavailable(
            "models.local_in_server",
            "The built-in model runs with the server.",
            "Try it on the page Models, or with: mecum chat",
            retryable=False,
        )


def access_of(kind: AccessKind, named: Sequence[str]) -> Access:
    """Who is meant by a kind and the ids or roles that go with it.

    Raises:
        BadRequest: not an id of an organisation. Unprocessable: not a role, or nobody.
    """
    if kind == "organisations":
        return Access(kind, organisations=frozenset(decode("org", each) for each in named)).checked()
    roles = frozenset[InstallationRole](role for role in ROLES if role in named)
    return Access(kind, roles=roles).checked()


class ModelCommands:
    """Models from the command line. `start` before the first, `close` after the last.

    Args:
        local_model: whether the built-in model is switched on.
        audit: where changes are written down.
    """

    def __init__(
        self, machine: Machine, settings: ModelsSettings, *, local_model: bool = True, audit: Audit | None = None
    ) -> None:
        ports = Ports(engine=_InTheServer() if local_model else NoLocalEngine())
        self._upstream = Upstream(settings, machine.clock)
        self._catalogue = Catalogue(
            machine.db, machine.secrets, machine.clock, ports, settings.currency, Resting(machine.clock)
        )
        wires = Wires(self._upstream, settings)
        local = Local(ports.engine, wires, Planner(machine.clock), machine.clock)
        gate = Gate(machine.clock, settings)
        gate.add_slots(LOCAL_PROVIDER, local.slots, settings.local_queue_max, line_full)
        trials = Trials(self._upstream, wires, local, gate, None, machine.clock)
        db, secrets, clock = machine.db, machine.secrets, machine.clock
        audit = audit or NoAudit()
        budgets = Budgets(db, clock, Keeper(db, clock, settings), Ports(persons=Found(), audit=audit), settings)
        self.budgets = BudgetCommands(budgets)
        accounts = Accounts(db, secrets, clock, audit, self._catalogue, settings)
        self._providers = Providers(db, clock, audit, self._catalogue, accounts, trials, settings)
        aliases = Aliases(db, clock, audit, self._catalogue, settings)
        self.keys = KeyCommands(self._providers, accounts)
        self.aliases = AliasCommands(aliases)
        self.router = RouterCommands(Choosing(db, audit, self._catalogue))
        self.access = AccessCommands(self._providers, aliases, BuiltInAccess(db, audit, self._catalogue))
        self.prices = PriceCommands(PriceLists(db, clock, audit, self._catalogue, settings))

    async def start(self) -> None:
        await self._upstream.start()

    async def close(self) -> None:
        await self._catalogue.stop()
        await self._upstream.close()

    async def list(self) -> tuple[CatalogueModel, ...]:
        """The models that can be chosen, the default first."""
        self._catalogue.forget()
        return await self._catalogue.usable(None)

    async def add(
        self,
        name: str,
        base_url: str,
        upstream_model: str,
        key: str | None = None,
        kind: store.ProviderKind | None = None,
    ) -> None:
        """Connect a model. A provider that is known by its address is used again; a key given now replaces its key.

        Args:
            kind: the wire of its provider; None leaves it, or guesses it from the address.

        Raises:
            Conflict: a model has the name. Unprocessable: a name, address or key is not possible. TooLarge: too many.
        """
        model = NewModel(upstream_model, service.model_name(name))
        address = service.base_url(base_url, kind or service.guess_provider_kind(base_url))
        for each in await self._providers.connected():
            if each.row.base_url == address:
                await self._providers.change(None, each.row.id, ProviderChange(key=key, kind=kind, add=[model]))
                return
        try:
            await self._providers.add(None, NewProvider(name, address, key or "", [model], kind))
        except Conflict as error:
            if error.code != "models.provider_name_taken":
                raise
            await self._providers.add(None, NewProvider(f"{name} ({address})", address, key or "", [model], kind))

    async def remove(self, name: str) -> None:
        """Take a model out of the catalogue, and its provider when that was its last one. Raises NotFound."""
        for each in await self._providers.connected():
            for model in each.models:
                if model.name == name:
                    if len(each.models) == 1:
                        await self._providers.remove(None, each.row.id)
                    else:
                        await self._providers.remove_model(None, model.id)
                    return
        raise NotFound("models.model_unknown", "There is no such model.")

    async def change(self, name: str, change: ModelChange) -> None:
        """Change what the catalogue says of a connected model. Raises NotFound, Unprocessable."""
        for each in await self._providers.connected():
            for model in each.models:
                if model.name == name:
                    await self._providers.change_model(None, model.id, change)
                    return
        raise NotFound("models.model_unknown", "There is no such model.")

    async def default(self, name: str) -> None:
        """Make a model the default of its kind. Raises NotFound."""
        await self._providers.choose_default(None, name)

    async def reach(self) -> tuple[tuple[str, MecumError | None], ...]:
        """Each provider, and why it can't be reached; None where all is well. Costs nothing."""
        return await self._providers.reach()

    async def test(self, name: str) -> Trial:
        """A real short call. Raises NotFound."""
        return await self._providers.try_model(name)
