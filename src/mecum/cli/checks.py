"""What `mecum doctor` looks at. Each check gives findings: what is, and what to do where it is not well."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from mecum.cli.output import size, words
from mecum.cli.report import locale_of_environment
from mecum.kit.errors import MecumError, StartError

if TYPE_CHECKING:
    from mecum.kit.settings import KitSettings
    from mecum.settings import Settings

State: TypeAlias = Literal["ok", "note", "bad"]

PYTHON_MIN = (3, 11)
DISK_LOW_BYTES = 2 * 10**9
DISK_FULL_BYTES = 200 * 10**6
CERTIFICATE_SOON = dt.timedelta(days=14)
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Args: state: `note` is worth knowing, `bad` must be mended; hint: how, or ""."""

    name: str
    state: State
    detail: str
    hint: str = ""


def trouble(name: str, error: MecumError, state: State = "bad") -> Finding:
    """An error as a finding, in the language of the environment."""
    from mecum.kit.i18n import I18n

    return Finding(name, state, *I18n().error(locale_of_environment(), error))


def check_python() -> Iterator[Finding]:
    name = "Python"
    version = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    if sys.version_info < PYTHON_MIN:
        yield Finding(name, "bad", version, words("doctor.python_old"))
    elif sys.platform == "win32":
        yield Finding(name, "bad", version, words("doctor.windows"))
    else:
        yield Finding(name, "ok", version)


def check_settings() -> Iterator[Finding]:
    from mecum.kit.settings import unknown_names
    from mecum.settings import CLASSES

    name = words("doctor.settings")
    elsewhere = {"MECUM_SERVER", "MECUM_KEY_FILE", "MECUM_THEME", "MECUM_SUPERVISED"}
    unknown = [each for each in unknown_names(CLASSES.values(), os.environ) if each not in elsewhere]
    if unknown:
        yield Finding(
            name, "note", words("doctor.settings_unknown", names=", ".join(unknown)), words("doctor.settings_hint")
        )
    else:
        count = sum(each.startswith("MECUM_") for each in os.environ)
        yield Finding(name, "ok", words("doctor.settings_ok", count=count))


def check_data(data: Path) -> Iterator[Finding]:
    name = words("doctor.data")
    if not data.is_dir():
        yield Finding(name, "bad", words("doctor.data_missing", data=str(data)), words("doctor.data_missing_hint"))
        return
    mode = data.stat().st_mode & 0o777
    # As root others must walk through, because the database runs as another user; they must not look around.
    if mode & 0o066:
        hint = words("doctor.data_open_hint", mode="711" if os.geteuid() == 0 else "700", data=str(data))
        yield Finding(name, "bad", words("doctor.data_open", data=str(data), mode=f"{mode:o}"), hint)
    elif not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(name, "bad", words("doctor.data_closed", data=str(data)), words("doctor.data_closed_hint"))
    else:
        yield Finding(name, "ok", str(data))


def check_disk(data: Path) -> Iterator[Finding]:
    place = next(folder for folder in (data, *data.parents) if folder.is_dir())
    free, name = shutil.disk_usage(place).free, words("doctor.disk")
    text = words("doctor.disk_free", size=size(free))
    if free < DISK_FULL_BYTES:
        yield Finding(name, "bad", text, words("doctor.disk_hint"))
    else:
        low = free < DISK_LOW_BYTES
        yield Finding(name, "note" if low else "ok", text, words("doctor.disk_hint") if low else "")


def check_key_file(file: Path) -> Iterator[Finding]:
    from mecum.kit.crypto import SecretBox

    name = words("doctor.key_file")
    if not file.exists():
        yield Finding(name, "bad", words("doctor.key_missing", file=str(file)), words("doctor.key_missing_hint"))
        return
    try:
        SecretBox.from_file(file)
    except (StartError, OSError) as error:
        found = error if isinstance(error, StartError) else StartError("crypto.key_damaged", str(error))
        yield trouble(name, found)
        return
    yield Finding(name, "ok", words("doctor.key_ok", file=str(file)))


def check_port(settings: KitSettings, running: bool) -> Iterator[Finding]:
    """Whether the server answers, or, while none runs, whether its port is free."""
    name, where = words("doctor.server"), f"{settings.host}:{settings.port}"
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "localhost") else settings.host  # noqa: S104
    try:
        with socket.create_connection((host, settings.port), timeout=CONNECT_TIMEOUT_S):
            listening = True
    except OSError:
        listening = False
    if running and listening:
        yield Finding(name, "ok", words("doctor.server_runs", where=where))
    elif running:
        yield Finding(name, "note", words("doctor.server_deaf", where=where), words("doctor.server_deaf_hint"))
    elif listening:
        yield Finding(name, "bad", words("doctor.port_taken", where=where), words("doctor.port_taken_hint"))
    else:
        yield Finding(name, "ok", words("doctor.port_free", where=where))


def check_local_model(settings: Settings) -> Iterator[Finding]:
    from mecum.engines.llm.choice import choose
    from mecum.engines.machine import available_memory_bytes
    from mecum.engines.weights import LARGE, is_present, own_file

    name, folder = words("doctor.local_model"), settings.llm.models_dir or settings.kit.data / "models"
    wanted = choose(
        settings.llm.local_model,
        available_bytes=available_memory_bytes(),
        large_is_here=is_present(LARGE, folder),
    )
    if wanted is None:
        yield Finding(name, "ok", words("doctor.model_off"))
    elif isinstance(wanted, Path):
        try:
            yield Finding(name, "ok", str(own_file(wanted)))
        except MecumError as error:
            yield trouble(name, error)
    elif is_present(wanted, folder):
        yield Finding(name, "ok", words("doctor.model_here", name=wanted.name))
    else:
        text = words("doctor.model_absent", name=wanted.name, size=size(wanted.file_bytes))
        yield Finding(name, "note", text, words("doctor.model_absent_hint"))


def check_certificate(settings: KitSettings) -> Iterator[Finding]:
    if settings.tls_cert is None:
        return
    from cryptography import x509

    name = words("doctor.certificate")
    try:
        until = x509.load_pem_x509_certificate(settings.tls_cert.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        yield Finding(name, "bad", f"{settings.tls_cert}: {error}", words("doctor.certificate_hint"))
        return
    left = until - dt.datetime.now(dt.UTC)
    text = words("doctor.certificate_until", until=until.strftime("%Y-%m-%d"))
    if left < dt.timedelta(0):
        yield Finding(name, "bad", text, words("doctor.certificate_hint"))
    else:
        soon = left < CERTIFICATE_SOON
        yield Finding(name, "note" if soon else "ok", text, words("doctor.certificate_hint") if soon else "")


def check_mail(settings: KitSettings) -> Iterator[Finding]:
    name = words("doctor.mail")
    if settings.smtp_url is None:
        yield Finding(name, "ok", words("doctor.mail_off"))
        return
    parts = urlsplit(settings.smtp_url)
    port = parts.port or (465 if parts.scheme == "smtps" else 587)
    yield _reached(name, parts.hostname or "", port, words("doctor.mail_hint"))


def check_valkey(settings: KitSettings) -> Iterator[Finding]:
    if settings.valkey_url is None:
        return
    name = "Valkey"
    parts = urlsplit(settings.valkey_url)
    if parts.scheme == "unix":
        there = Path(parts.path).is_socket()
        found = Finding(name, "ok" if there else "bad", parts.path, "" if there else words("doctor.valkey_hint"))
    else:
        found = _reached(name, parts.hostname or "", parts.port or 6379, words("doctor.valkey_hint"))
    yield replace(found, detail=words("doctor.valkey_ok", where=found.detail)) if found.state == "ok" else found


def _reached(name: str, host: str, port: int, hint: str) -> Finding:
    try:
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        return Finding(name, "bad", f"{host}:{port}: {error.strerror or error}", hint)
    return Finding(name, "ok", f"{host}:{port}")
