"""Putting the ground floor together."""

from __future__ import annotations

from mecum.kit.blobs.local import FileBlobs
from mecum.kit.bus import Bus, LocalBus
from mecum.kit.clock import SystemClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import StartError
from mecum.kit.fetch import Fetcher
from mecum.kit.i18n import I18n
from mecum.kit.jobs import Jobs
from mecum.kit.mail import Mail, NullMail, SmtpMail, SmtpServer
from mecum.kit.notify import Notify
from mecum.kit.outbox import Outbox
from mecum.kit.room import Kit
from mecum.kit.settings import KitSettings
from mecum.kit.streams import Streams
from mecum.kit.tools import ToolRegistry

KEY_FILE = "keys"


async def build_kit(settings: KitSettings) -> Kit:
    """The capabilities of the ground floor, not started yet.

    Raises:
        StartError: there is no database to use, or the key file can't be used.
    """
    if settings.database_url is None:
        hint = "Start with `mecum up`, or set MECUM_DATABASE_URL."
        raise StartError("database_missing", "There is no database to connect to.", hint)
    settings.data.mkdir(parents=True, exist_ok=True)
    clock = SystemClock()
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    secrets = SecretBox.from_file(settings.data / KEY_FILE)
    jobs = Jobs(
        database,
        settings.database_direct_url or settings.database_url,
        concurrency={
            "default": settings.job_concurrency,
            "runs": settings.run_concurrency,
            "bulk": settings.bulk_concurrency,
        },
        sole_worker=settings.valkey_url is None,
    )
    bus: Bus = LocalBus(clock) if settings.valkey_url is None else await _shared_bus(settings.valkey_url)
    mail: Mail = NullMail()
    if settings.smtp_url and settings.mail_from:
        server = SmtpServer.from_url(settings.smtp_url)
        mail = SmtpMail(server, settings.mail_from, database, jobs, secrets, clock)
    i18n = I18n()
    blobs = FileBlobs(
        settings.data,
        database,
        secrets,
        clock,
        limit_bytes=settings.blob_limit_bytes,
        quota_bytes=settings.blob_quota_bytes_per_space,
    )
    jobs.add(blobs.jobs)
    notify = Notify(
        database,
        jobs,
        bus,
        mail,
        i18n,
        clock,
        public_url=settings.address,
        kept_days=settings.notifications_kept_days,
    )
    return Kit(
        db=database,
        jobs=jobs,
        outbox=Outbox(database, jobs, clock),
        bus=bus,
        clock=clock,
        secrets=secrets,
        tools=ToolRegistry(),
        blobs=blobs,
        mail=mail,
        notify=notify,
        i18n=i18n,
        fetch=Fetcher(settings.private_origins, allow_network=settings.allow_network),
        streams=Streams(settings.streams_per_person_max),
        data=settings.data,
        public_url=settings.address,
        valkey_url=settings.valkey_url,
    )


async def _shared_bus(url: str) -> Bus:
    from mecum.kit.valkey_bus import ValkeyBus  # an optional dependency

    return await ValkeyBus.connect(url)
