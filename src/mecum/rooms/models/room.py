"""Building the room."""

from __future__ import annotations

from mecum.kit.jobs import JobSpec
from mecum.kit.outbox import Subscription
from mecum.kit.room import Kit, Room
from mecum.rooms.models import ANSWER_JUDGED
from mecum.rooms.models.api import build_router
from mecum.rooms.models.batches.ordering import WORK
from mecum.rooms.models.face import ModelsRoom
from mecum.rooms.models.forgetting import FORGET_AGAIN
from mecum.rooms.models.parts import Parts, assemble
from mecum.rooms.models.ports import Ports
from mecum.rooms.models.relay.shelf import MAKE
from mecum.rooms.models.router.ledger import LEARN
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.people import PERSON_ERASED


def build(kit: Kit, ports: Ports, settings: ModelsSettings) -> Room[ModelsRoom]:
    """The room, with what it needs from others bound."""
    return mounted(assemble(kit, ports, settings))


def mounted(parts: Parts) -> Room[ModelsRoom]:
    """What the house mounts of `parts`."""
    return Room(
        name="models",
        face=parts.face,
        router=build_router(parts),
        jobs=[
            JobSpec(MAKE, parts.background.make, attempts_max=5, given_up=parts.background.give_up),
            JobSpec(WORK, parts.batch_work.work, given_up=parts.batch_work.give_up, queue="bulk", wait_max_s=60.0),
            JobSpec("models.sweep_files", parts.files.sweep, cron="29 * * * *"),
            JobSpec(FORGET_AGAIN, parts.forgetting.again),
            JobSpec("models.sweep_responses", parts.shelf.sweep, cron="23 * * * *"),
            JobSpec("models.sweep_usage", parts.meter.sweep, cron="41 3 * * *"),
            JobSpec("models.sweep_budgets", parts.keeper.sweep, cron="51 3 * * *"),
            JobSpec("models.sweep_hourly", parts.histories.sweep, cron="47 3 * * *"),
            JobSpec(LEARN, parts.ledger.learn, cron="*/5 * * * *"),
            JobSpec("models.sweep_routes", parts.ledger.sweep, cron="57 3 * * *"),
        ],
        handlers=[
            Subscription(PERSON_ERASED, "models.erase_person", parts.forgetting.erase),
            Subscription(ANSWER_JUDGED, "models.judge_answer", parts.ledger.judged),
        ],
        start=parts.start,
        stop=parts.stop,
    )
