"""Settings of the ground floor: environment variables `MECUM_*`, each with a default and a one-line reason.

A room defines its own class the same way (`env_prefix="MECUM_"`, every field with a description) and reads it
with `load`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mecum.kit.errors import StartError
from mecum.kit.origins import is_bare_origin, origin_of
from mecum.kit.places import default_data

PREFIX = "MECUM_"
KIB, MIB, GIB = 2**10, 2**20, 2**30

Network: TypeAlias = IPv4Network | IPv6Network
PrivateOrigins: TypeAlias = Mapping[str, frozenset[str]]
S = TypeVar("S", bound=BaseSettings)


class KitSettings(BaseSettings):
    """Where the installation lives, what it listens on, and the limits of the ground floor."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    data: Path = Field(
        default_factory=default_data,
        description="Directory of everything kept: database, files, keys, models (for root /var/lib/mecum).",
    )
    host: str = Field(
        default="127.0.0.1", description="Address to listen on; beyond loopback it takes an owner and a public URL."
    )
    port: int = Field(default=8080, ge=1, le=65535, description="Port of the app, the API and the web client.")
    public_url: str = Field(
        default="", description="Address that people use, without a trailing slash; empty: http://localhost:PORT."
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks, comma-separated, whose X-Forwarded headers are believed; no others are.",
    )
    tls_cert: Path | None = Field(default=None, description="Certificate chain (PEM) to serve https without a proxy.")
    tls_key: Path | None = Field(default=None, description="Private key (PEM) of the certificate.")
    role: Literal["all", "server", "worker"] = Field(
        default="all", description="What this process does when work is split over machines."
    )

    database_url: str | None = Field(
        default=None, repr=False, description="Your own PostgreSQL 15 or newer; without it an embedded one runs."
    )
    database_direct_url: str | None = Field(
        default=None,
        repr=False,
        description="A way past a transaction pooler, for the one listening connection of each process.",
    )
    database_pool_size: int = Field(
        default=10, ge=2, le=200, description="Database connections kept open; as many again may open briefly."
    )
    valkey_url: str | None = Field(
        default=None, repr=False, description="Shared live bus and gate; needed with more than one process."
    )
    job_concurrency: int = Field(
        default=32,
        ge=1,
        le=1000,
        description="How many durable jobs of one process run at the same time, answers apart.",
    )
    run_concurrency: int = Field(
        default=300, ge=1, le=5000, description="How many answers of one process are in the making at the same time."
    )
    bulk_concurrency: int = Field(
        default=32, ge=1, le=1000, description="How many batches one process works on at the same time."
    )

    hang_seconds: int = Field(
        default=60,
        ge=10,
        le=86_400,
        description="A server process whose event loop is silent for so long is ended and started again.",
    )
    hang_starting_seconds: int = Field(
        default=300, ge=10, le=86_400, description="The same while it starts, when nobody is served yet."
    )

    smtp_url: str | None = Field(
        default=None,
        repr=False,
        description="Mail server, smtp://, smtp+starttls:// or smtps://user:password@host:port; without it no mail.",
    )
    mail_from: str | None = Field(default=None, description="Sender of mail, e.g. Mecum <mecum@example.org>.")

    allow_network: bool = Field(
        default=True, description="Off: nothing beyond loopback is ever fetched (tests, sealed rooms)."
    )
    private_origins: Annotated[PrivateOrigins, NoDecode] = Field(
        default={}, description="Exceptions from the ban on private addresses: purpose:origin pairs, comma-separated."
    )

    hsts_days: int = Field(
        default=365,
        ge=0,
        le=730,
        description="For so long browsers come back by https alone, where the public URL is https; 0 lets them choose.",
    )
    body_limit_bytes: int = Field(
        default=4 * MIB, ge=64 * KIB, le=GIB, description="Largest request body, except where files are sent."
    )
    body_idle_seconds: float = Field(
        default=60, gt=0, le=86_400, description="Longest silence in the middle of a request's body."
    )
    body_bytes_per_second_min: float = Field(
        default=1_000,
        ge=0,
        description="What a request's body has to come at on average, once it takes longer than that; 0: any pace.",
    )
    connections_max: int = Field(
        default=8_000,
        ge=10,
        le=60_000,
        description="Connections and requests of one process at the same time; what is more gets 503.",
    )
    streams_per_person_max: int = Field(
        default=300,
        ge=1,
        le=60_000,
        description="Event streams of one person that one process keeps open; each tab has one, each open thread too.",
    )
    blob_limit_bytes: int = Field(default=100 * MIB, ge=MIB, le=16 * GIB, description="Largest single file.")
    blob_quota_bytes_per_space: int = Field(
        default=5 * GIB, ge=MIB, description="Files that one space may keep altogether."
    )
    notifications_kept_days: int = Field(default=90, ge=1, le=3650, description="How long the bell remembers.")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line that is written."
    )
    log_format: Literal["auto", "json", "human"] = Field(
        default="auto", description="auto: human on a terminal, JSON lines elsewhere."
    )
    metrics_token: str | None = Field(
        default=None,
        repr=False,
        min_length=16,
        description="Bearer token for /metrics; without it only loopback may read them.",
    )

    @field_validator("data", "tls_cert", "tls_key")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value is not None else None

    @field_validator("public_url")
    @classmethod
    def _usable_public_url(cls, value: str) -> str:
        return usable_public_url(value) if value else value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return tuple(ip_network(part, strict=False) for part in _parts(value)) if isinstance(value, str) else value

    @field_validator("private_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        return parse_private_origins(value) if isinstance(value, str) else value

    @field_validator("database_url", "database_direct_url", "valkey_url", "smtp_url")
    @classmethod
    def _known_scheme(cls, value: str | None, info: Any) -> str | None:
        allowed = _SCHEMES[info.field_name]
        if value is not None and urlsplit(value).scheme not in allowed:
            raise ValueError(f"must start with one of {', '.join(scheme + '://' for scheme in allowed)}")
        return value

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str | None) -> str | None:
        if value is not None and "@" not in parseaddr(value)[1].strip("@"):
            raise ValueError("give an address, e.g. Mecum <mecum@example.org>")
        return value

    @model_validator(mode="after")
    def _complete(self) -> KitSettings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("MECUM_TLS_CERT and MECUM_TLS_KEY belong together: set both or none")
        if self.smtp_url is not None and not self.mail_from:
            raise ValueError("MECUM_SMTP_URL needs MECUM_MAIL_FROM, the sender of mail")
        if self.database_direct_url is not None and self.database_url is None:
            raise ValueError("MECUM_DATABASE_DIRECT_URL is for a database of your own: set MECUM_DATABASE_URL too")
        if self.role != "all" and (self.database_url is None or self.valkey_url is None):
            raise ValueError(
                f"MECUM_ROLE={self.role} needs MECUM_DATABASE_URL and MECUM_VALKEY_URL, which all processes share"
            )
        return self

    @property
    def address(self) -> str:
        """The public URL, or where a browser on this machine finds the app."""
        scheme = "https" if self.tls_cert is not None else "http"
        return self.public_url or f"{scheme}://localhost:{self.port}"


_SCHEMES: dict[str, tuple[str, ...]] = {
    "database_url": ("postgresql", "postgres"),
    "database_direct_url": ("postgresql", "postgres"),
    "valkey_url": ("valkey", "valkeys", "redis", "rediss", "unix"),
    "smtp_url": ("smtp", "smtp+starttls", "smtps"),
}


def load(settings: type[S], **overrides: Any) -> S:
    """Settings from `overrides` (command-line options; None means not given), then the environment, then defaults.

    Raises:
        StartError: a value is not possible; it names every setting that is wrong and why, never the value.
    """
    try:
        return settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        wrong = [
            _sentence(problem["loc"], problem["msg"])
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise StartError(
            "settings_wrong", "; ".join(wrong), "Correct it in the environment or on the command line."
        ) from None


def unknown_names(settings: Iterable[type[BaseSettings]], environment: Mapping[str, str]) -> tuple[str, ...]:
    """`MECUM_*` variables that no settings class knows: most likely misspelt."""
    known = {PREFIX + name.upper() for each in settings for name in each.model_fields}
    return tuple(sorted(name for name in environment if name.startswith(PREFIX) and name not in known))


def usable_public_url(url: str) -> str:
    """`url` without a trailing slash.

    Raises:
        ValueError: people beyond this machine could not use it, or it is more than an origin.
    """
    origin_of(url)
    if not is_bare_origin(url):
        raise ValueError("give scheme, host and port only, e.g. https://mecum.example.org")
    if urlsplit(url).scheme != "https" and not is_loopback(urlsplit(url).hostname or ""):
        raise ValueError("beyond this machine it must start with https://")
    return url.rstrip("/")


def parse_private_origins(text: str) -> PrivateOrigins:
    """`page:http://localhost:3930,apps:https://10.0.0.5` as canonical origins by purpose.

    Raises:
        ValueError: a part is not purpose:origin.
    """
    found: dict[str, set[str]] = {}
    for part in _parts(text):
        purpose, separator, url = part.partition(":")
        if not separator or not purpose.isidentifier() or "://" not in url or not is_bare_origin(url):
            raise ValueError(f"{part[:100]!r} is not of the form purpose:scheme://host:port")
        found.setdefault(purpose, set()).add(origin_of(url))
    return {purpose: frozenset(origins) for purpose, origins in found.items()}


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address) can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    reason = message.removeprefix("Value error, ")
    return f"{PREFIX}{str(location[0]).upper()}: {reason}" if location else reason
