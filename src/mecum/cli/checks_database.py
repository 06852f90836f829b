"""What `mecum doctor` looks at in the database, and beyond it."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import psycopg

from mecum.cli.checks import Finding, trouble
from mecum.cli.ground import AuditCheck, Ground, PeopleCommands, model_commands, people_commands, rotation
from mecum.cli.output import size, words
from mecum.kit.errors import MecumError
from mecum.kit.probe import DatabaseFacts, hears, look
from mecum.kit.rotation import Census

POSTGRES_MIN = 15
CLOCK_APART_MAX = dt.timedelta(seconds=30)


async def check_database(ground: Ground, *, key_is_well: bool) -> AsyncIterator[Finding]:
    """The database, and what it holds. Without a key that opens it, what is sealed or signed is left out."""
    name = words("doctor.database")
    try:
        facts = await look(ground.db, ground.clock)
    except MecumError as error:
        yield trouble(name, error)
        return
    if facts.major < POSTGRES_MIN:
        yield Finding(name, "bad", f"PostgreSQL {facts.version}", words("doctor.database_old", least=POSTGRES_MIN))
    else:
        yield Finding(name, "ok", f"PostgreSQL {facts.version}, {size(facts.size_bytes)}")
    yield _clock(facts)
    yield await _listening(ground)
    yield _schema(facts)
    if facts.revision == facts.head and key_is_well:
        yield _sealed(await rotation(ground).census())
        async for finding in _rooms(ground):
            yield finding


def _clock(facts: DatabaseFacts) -> Finding:
    name, seconds = words("doctor.clock"), abs(facts.ahead.total_seconds())
    if abs(facts.ahead) > CLOCK_APART_MAX:
        return Finding(name, "bad", words("doctor.clock_apart", seconds=round(seconds)), words("doctor.clock_hint"))
    return Finding(name, "ok", words("doctor.clock_ok"))


def _schema(facts: DatabaseFacts) -> Finding:
    name = words("doctor.schema")
    if facts.revision is None:
        return Finding(name, "note", words("doctor.schema_none"), words("doctor.schema_hint"))
    if facts.revision < facts.head:
        text = words("doctor.schema_old", revision=facts.revision, head=facts.head)
        return Finding(name, "note", text, words("doctor.schema_hint"))
    if facts.revision > facts.head:
        text = words("doctor.schema_new", revision=facts.revision, head=facts.head)
        return Finding(name, "bad", text, words("doctor.schema_new_hint"))
    return Finding(name, "ok", facts.revision)


async def _listening(ground: Ground) -> Finding:
    name, kit = words("doctor.listen"), ground.settings.kit
    try:
        heard = await hears(kit.database_direct_url or ground.db.url, ground.db.url)
    except (psycopg.Error, OSError) as error:
        return Finding(name, "bad", str(error).strip()[:300], words("doctor.listen_hint"))
    if heard:
        return Finding(name, "ok", words("doctor.listen_ok"))
    return Finding(name, "bad", words("doctor.listen_deaf"), words("doctor.listen_hint"))


async def _rooms(ground: Ground) -> AsyncIterator[Finding]:
    with people_commands(ground) as people:
        yield await _address(ground, people)
        yield _audit(await people.verify_audit())
        owners = [each for each in await people.list_people() if each.role == "owner" and each.state == "active"]
    if owners:
        yield Finding(words("doctor.owner"), "ok", ", ".join(each.email for each in owners[:5]))
    else:
        yield Finding(words("doctor.owner"), "note", words("doctor.owner_none"), words("doctor.owner_hint"))
    async with model_commands(ground) as models:
        for provider, problem in await models.reach():
            name = words("doctor.provider", name=provider)
            yield Finding(name, "ok", words("doctor.provider_ok")) if problem is None else trouble(name, problem)
        default = next((each for each in await models.list() if each.default and each.kind == "chat"), None)
    name = words("doctor.default_model")
    if default is None:
        yield Finding(name, "note", words("doctor.default_none"), words("doctor.default_hint"))
    else:
        yield Finding(name, "ok", default.name)


def _sealed(census: Census) -> Finding:
    name, lost = words("doctor.sealed"), sum(census.lost.values())
    counts = ", ".join(f"{key_id} {count}" for key_id, count in census.total.items())
    if lost or census.sealing not in census.keys:
        return Finding(name, "bad", words("doctor.sealed_lost", counts=counts), words("doctor.sealed_lost_hint"))
    if census.unfinished:
        return Finding(name, "note", words("doctor.sealed_mixed", counts=counts), words("doctor.sealed_mixed_hint"))
    return Finding(name, "ok", words("doctor.sealed_ok", counts=counts))


async def _address(ground: Ground, people: PeopleCommands) -> Finding:
    """Whether it would start as the settings say. Where they say nothing, the service may have other settings."""
    name, given = words("doctor.address"), ground.settings.kit.public_url
    known = await people.address()
    if known is None or not given:
        return Finding(name, "ok", known or ground.public_url)
    passkeys = (await people.foresee_move(given)).passkeys
    if not passkeys:
        return Finding(name, "ok", given)
    text = words("doctor.address_differs", known=known, given=given, count=passkeys)
    return Finding(name, "bad", text, words("doctor.address_hint", known=known, given=given))


def _audit(check: AuditCheck) -> Finding:
    name = words("doctor.audit")
    if check.ok:
        return Finding(name, "ok", words("doctor.audit_ok", count=check.checked))
    text = words("doctor.audit_broken", entry=check.first_bad or 0, problem=check.problem)
    return Finding(name, "bad", text, words("doctor.audit_hint"))
