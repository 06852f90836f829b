"""Settings of the room."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SCHEDULE_CHARS_MOST = 100_000


class AssistantSettings(BaseSettings):
    """Limits of threads, messages and runs."""

    model_config = SettingsConfigDict(env_prefix="MECUM_", frozen=True)

    rounds_max: int = Field(
        default=12, ge=1, le=100, description="Model steps of one run, so that a loop of tool calls ends."
    )
    run_seconds_max: float = Field(
        default=900, ge=5, description="Working time of one run, waits for a person or a model not counted."
    )
    run_tokens_max: int = Field(default=32_000, ge=64, description="Tokens that one run may write.")
    answer_tokens_max: int = Field(
        default=4_000, ge=16, description="Tokens of one model step, where the caller asks for none."
    )
    answer_chars_max: int = Field(
        default=400_000, ge=1_000, description="Characters of one answer with its reasoning; a longer one is ended."
    )
    calls_per_round_max: int = Field(
        default=8, ge=1, le=64, description="Tool calls taken from one model step; more are refused."
    )
    tool_result_chars_max: int = Field(
        default=200_000, ge=1_000, description="Characters of a tool's result that are kept."
    )
    tool_result_given_chars_max: int = Field(
        default=24_000, ge=500, description="Characters of a tool's result that a model is given."
    )
    message_chars_max: int = Field(default=200_000, ge=1_000, description="Characters of one message.")
    attachments_per_message_max: int = Field(default=10, ge=0, le=100, description="Files of one message.")
    pending_messages_max: int = Field(default=20, ge=1, description="Messages that may wait behind a run.")
    open_runs_max: int = Field(
        default=250, ge=1, description="Answers of one person that may be unfinished at the same time."
    )
    history_events_max: int = Field(default=4_000, ge=100, description="Events of a thread that a run reads back.")
    history_messages_max: int = Field(default=500, ge=1, description="Messages that an API caller may give as history.")
    lent_tools_max: int = Field(default=64, ge=0, le=512, description="Tools that an API caller may lend to one run.")
    step_retries_max: int = Field(
        default=1, ge=0, le=5, description="How often a model step is tried again after a failure that may heal."
    )
    thread_titles: bool = Field(
        default=True, description="Whether a thread's model writes its title after the first answer, in the background."
    )
    deleted_days: int = Field(default=30, ge=0, description="Days in which a deleted thread can be restored.")
    temporary_hours: float = Field(
        default=24, ge=0.01, description="Hours after which a temporary thread in which nothing goes on is erased."
    )
    wait_days: float = Field(
        default=30, ge=0.01, description="Days after which a run that waits for the person's answer is stopped."
    )
    attachment_bytes_max: int = Field(default=25_000_000, ge=1_000, description="Size of one attached file.")
    attachment_chars_max: int = Field(
        default=60_000, ge=1_000, description="Characters of files that one model request carries."
    )
    images_per_request_max: int = Field(
        default=8, ge=0, le=100, description="Pictures that one model request carries, the newest of a conversation."
    )
    loose_attachments_max: int = Field(
        default=50, ge=1, description="Files that a person may upload before sending them."
    )
    loose_attachment_hours: float = Field(
        default=24, ge=0.1, description="Hours after which a file that was not sent is removed."
    )
    page_bytes_max: int = Field(default=3_000_000, ge=10_000, description="Size of a web page that is read.")
    page_seconds: float = Field(default=20, ge=1, le=120, description="Time in which a web page has to come.")
    page_read_seconds: float = Field(
        default=20, ge=1, le=600, description="Time in which the text of a web page has to be found."
    )
    page_chars_max: int = Field(default=20_000, ge=500, description="Characters of a web page that the model is given.")
    shares_max: int = Field(default=500, ge=1, description="Links of shared copies that one person may have.")
    shares_bytes_max: int = Field(
        default=100_000_000, ge=100_000, description="Size of all shared copies of one person."
    )
    schedules_max: int = Field(default=100, ge=1, description="Scheduled tasks of one person.")
    schedule_chars_max: int = Field(
        default=8_000, ge=100, le=SCHEDULE_CHARS_MOST, description="Characters of what a scheduled task is to do."
    )
