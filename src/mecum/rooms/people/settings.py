"""Settings of the room."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mecum.kit.origins import is_bare_origin, origin_of
from mecum.kit.settings import is_loopback


class PeopleSettings(BaseSettings):
    """Who gets in, how long a sign-in lasts, and the limits of accounts."""

    model_config = SettingsConfigDict(env_prefix="MECUM_", extra="ignore", frozen=True, hide_input_in_errors=True)

    installation_name: str = Field(
        default="Mecum",
        min_length=1,
        max_length=60,
        description="Name of this installation on its pages, in mail and for passkeys.",
    )
    sign_up: Literal["closed", "invitation", "open"] = Field(
        default="closed", description="Who may make an account, until the owner chooses in the settings page."
    )
    extra_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="More origins on this machine, comma-separated, from which browsers may use the service.",
    )

    session_days: int = Field(default=90, ge=1, le=400, description="After so long a person signs in again.")
    session_idle_days: int = Field(
        default=30, ge=1, le=400, description="A session that was not used for so long ends."
    )
    session_rotate_minutes: int = Field(
        default=60, ge=1, le=1440, description="How old a session token gets before a new one takes its place."
    )
    session_grace_seconds: int = Field(
        default=60, ge=5, le=600, description="How long the old token still works, for requests that were on their way."
    )
    sessions_per_person: int = Field(
        default=50, ge=1, le=1000, description="Most sessions of a person; the oldest ends when one more begins."
    )
    fresh_sign_in_minutes: int = Field(
        default=30, ge=1, le=1440, description="Changing how one signs in needs a sign-in that is no older than this."
    )
    second_factor_minutes: int = Field(
        default=10, ge=1, le=60, description="Time to enter the second factor after the password."
    )

    second_factors_waiting: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Sign-ins of a person that may wait for their second factor; the oldest ends when one more begins.",
    )

    password_min_length: int = Field(default=10, ge=8, le=64, description="Fewest characters of a password.")
    password_hashes_at_once: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Password hashes computed at the same time; each takes 19 MiB and about 20 ms.",
    )
    password_hashes_waiting: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="Sign-ins that may wait for a password hash; more are told to come again.",
    )
    passkeys_per_person: int = Field(default=20, ge=1, le=100, description="Most passkeys of a person.")
    keys_per_person: int = Field(
        default=100, ge=1, le=10_000, description="Most API keys of a person that are in force."
    )
    key_cache_seconds: float = Field(
        default=5.0,
        ge=0,
        le=5,
        description="How long a checked API key is remembered; a key revoked elsewhere works that long.",
    )
    key_cache_size: int = Field(
        default=4096, ge=16, le=1_000_000, description="How many checked API keys are remembered."
    )

    setup_link_hours: int = Field(
        default=72, ge=1, le=720, description="How long the set-up link of a new installation works."
    )
    invitation_days: int = Field(
        default=7, ge=1, le=90, description="How long an invitation works when nobody says otherwise."
    )
    reset_mail_hours: int = Field(default=1, ge=1, le=72, description="How long a reset link sent by mail works.")
    reset_link_hours: int = Field(
        default=24, ge=1, le=168, description="How long a reset link made by an operator works."
    )
    verification_hours: int = Field(
        default=24, ge=1, le=168, description="How long a link works that was sent to confirm an address."
    )
    links_open: int = Field(
        default=500, ge=1, le=100_000, description="Most invitations that are open at the same time."
    )
    link_kept_days: int = Field(
        default=30, ge=1, le=3650, description="How long used and expired links and ended sessions are kept."
    )

    exports_at_once: int = Field(
        default=2,
        ge=1,
        le=100,
        description="Archives of all of a person that are worked on at the same time; slow readers do not count.",
    )
    export_minutes: int = Field(
        default=360, ge=1, le=10_080, description="So long the download of such an archive may take."
    )

    throttle_free_attempts: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Wrong sign-ins to one account before it has to wait; browsers that signed in before count apart.",
    )
    throttle_free_attempts_address: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Wrong sign-ins, or one-time links that do not work, from one network address before it waits.",
    )
    passkey_tries_per_address: int = Field(
        default=100, ge=1, le=10_000, description="Sign-ins by passkey begun at one network address before it waits."
    )
    throttle_max_seconds: int = Field(
        default=900, ge=1, le=86_400, description="Longest wait after wrong sign-ins; waits double up to it."
    )
    throttle_forget_minutes: int = Field(
        default=60, ge=1, le=10_080, description="After so long without a try, tries are forgotten."
    )
    sign_ups_per_address: int = Field(
        default=10, ge=1, le=10_000, description="Accounts made from one network address before it has to wait."
    )
    verifications_per_account: int = Field(
        default=3, ge=1, le=100, description="Mails to confirm one address before the next has to wait an hour."
    )
    resets_per_account: int = Field(
        default=3, ge=1, le=100, description="Reset mails to one account before the next has to wait."
    )
    resets_per_address: int = Field(
        default=20, ge=1, le=10_000, description="Resets asked for from one network address before it has to wait."
    )

    @field_validator("extra_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("extra_origins")
    @classmethod
    def _on_this_machine(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not is_bare_origin(each) or not is_loopback(urlsplit(each).hostname or ""):
                raise ValueError("give origins of this machine only, e.g. http://localhost:5173")
        return tuple(origin_of(each) for each in value)
