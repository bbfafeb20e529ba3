"""Settings: environment or `.env`. Secrets are masked in every repr. One line names what is wrong."""

from __future__ import annotations

import re
from datetime import tzinfo
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from machines import timetable
from machines.hours import Hours
from machines.sla import Targets
from machines.snapshot import Limits
from orchestrator.errors import ConfigurationError
from orchestrator.webhooks import sign

#: Hosts that are this machine.
LOCAL = ("localhost", "127.0.0.1", "::1")


class Settings(BaseSettings):
    """Every setting with its default. Names are the fields' names in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(Path("data"), description="Folder of the database and of what must survive.")
    database_url: str = Field(
        "", repr=False, description="`sqlite:///path` or `postgresql://...`; default: a file in DATA_DIR."
    )
    public_url: str = Field("", description="Origin under which providers reach this service, https.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on.")
    default_locale: Literal["en", "de"] = Field(
        "en", description="Language of agents, and of members whose own is not known or has no texts."
    )
    #: Full: who is asked for a name should be given one; a community that protects its team says so.
    agent_names: Literal["full", "first", "team"] = Field(
        "full", description="What members call agents: by `full` name, by `first` name, or as one `team`."
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token of `/metrics` and `/stats`; without it there are none."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    discord_token: SecretStr = Field(SecretStr(""), description="The bot's token.")
    discord_api_url: str = Field("", description="Override of Discord's REST API, for a local Discord.")
    discord_gateway_url: str = Field("", description="Override of Discord's gateway, for a local Discord.")
    desk: Literal["", "flex", "builtin"] = Field(
        "", description="Where agents work; default: flex when TWILIO_ACCOUNT_SID is set, else builtin."
    )
    desk_token: SecretStr = Field(
        SecretStr(""), description="Bearer token of the built-in desk's commands; without it there are none."
    )
    twilio_account_sid: str = Field("", description="AC... of the Flex account.")
    twilio_auth_token: SecretStr = Field(SecretStr(""), description="Signs webhooks; also logs in.")
    twilio_auth_token_previous: SecretStr = Field(
        SecretStr(""), description="Still accepted on webhooks while the token is being rotated."
    )
    twilio_api_key_sid: str = Field("", description="SK... to log in with instead of the auth token.")
    twilio_api_key_secret: SecretStr = Field(SecretStr(""), description="Secret of that key.")
    twilio_workspace_sid: str = Field("", description="WS...; found when there is exactly one.")
    twilio_workflow_sid: str = Field("", description="WW...; found when there is exactly one.")
    twilio_flex_instance_sid: str = Field("", description="GO...; found when there is exactly one.")
    twilio_api_url: str = Field("", description="Override: requests go to {TWILIO_API_URL}/{host}{path}.")

    knowledge_dir: Path | None = Field(
        None, description="Folder of Markdown articles; default: the sample that comes along."
    )

    #: None: nobody outside is told of anything unless they were named.
    case_webhook_url: str = Field(
        "", repr=False, description="Where changes of cases are posted, https; default: nowhere."
    )
    case_webhook_secret: SecretStr = Field(
        SecretStr(""), description="`whsec_...`, signs these posts: 24 to 64 random bytes in base64."
    )

    #: None: there is no such page unless somebody wrote one.
    privacy_url: str = Field(
        "", description="Page on what becomes of members' words, named once to each; default: none is named."
    )

    #: Always: no member is turned away by hours that nobody set.
    opening_hours: str = Field(
        "always",
        description="When agents are there, e.g. `mon-fri 09:00-17:00; sat 10:00-14:00; 12-24 closed`, or `never`.",
    )
    #: UTC: the same on every machine, wherever it stands.
    time_zone: str = Field(
        "UTC", description="IANA zone of the opening hours and of statistics, e.g. `Europe/Berlin`."
    )
    #: None: every country has its own.
    holidays: str = Field("", description="Days without agents, e.g. `2026-04-06, 12-25..12-26, 01-01`.")

    timer_ask: float = Field(1.2, gt=0, description="Quiet seconds after which a burst is one question.")
    timer_ask_at_most: float = Field(4.0, gt=0, description="Longest wait of a burst, seconds.")
    timer_answer_overdue: float = Field(20.0, gt=0, description="Seconds until the bot apologises.")
    timer_bot_idle_warn: float = Field(1200.0, gt=0, description="Silence before the warning, seconds.")
    timer_bot_idle: float = Field(1800.0, gt=0, description="Silence before the goodbye, seconds.")
    timer_desk_open_overdue: float = Field(60.0, gt=0, description="Seconds a desk may take to open.")
    timer_place: float = Field(30.0, gt=0, description="Seconds between updates of the place.")
    timer_wait_reminder: float = Field(300.0, gt=0, description="Seconds between reminders to the desk.")
    timer_wait: float = Field(1800.0, gt=0, description="Seconds until a member is told nobody came.")
    timer_alone: float = Field(5.0, gt=0, description="Seconds until a colleague must have taken over.")
    timer_member_idle_warn: float = Field(2700.0, gt=0, description="Member silent: warning, seconds.")
    timer_member_idle: float = Field(3600.0, gt=0, description="Member silent: goodbye, seconds.")
    timer_agent_idle_warn: float = Field(600.0, gt=0, description="Agent silent: reminder, seconds.")
    timer_afterglow: float = Field(
        600.0, gt=0, description="Seconds after the goodbye in which a thank-you starts nothing new."
    )
    timer_case_close: float = Field(604_800.0, gt=0, description="Seconds until a resolved case closes.")
    timer_agent_idle: float = Field(1800.0, gt=0, description="Agent silent: another is asked, seconds.")
    #: Half a working day: who waits for longer without a word asks elsewhere.
    case_first_response_s: float = Field(
        14_400.0, gt=0, description="Seconds until a person should have turned to the member of a case."
    )
    #: Three days: most cases of communities are settled by then, and what is not needs somebody to look at it.
    case_resolution_s: float = Field(
        259_200.0,
        gt=0,
        description="Seconds until a case should be resolved; waiting for the member not counted.",
    )
    #: A week: every weekday is in it, and what changed since last month is not.
    wait_days: float = Field(
        7.0, gt=0, description="Of how many days the waits tell how long the next one may be."
    )
    misses: int = Field(2, ge=1, description="Misses in a row after which a person is called.")

    @field_validator("public_url", "discord_api_url", "discord_gateway_url", "twilio_api_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("begins with sqlite:/// or postgresql://")
        return value

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^/\s]+", value):
            raise ValueError("must be an origin such as https://help.example.org")
        return value

    @field_validator("privacy_url")
    @classmethod
    def _page(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s<>]{1,500}", value):
            raise ValueError("must be an address such as https://example.org/privacy")
        return value

    @field_validator("case_webhook_url")
    @classmethod
    def _receiver(cls, value: str) -> str:
        if value and not _is_receiver(value):
            raise ValueError("must be an https address without a login, or http on this machine")
        return value

    @field_validator("case_webhook_secret")
    @classmethod
    def _signs(cls, value: SecretStr) -> SecretStr:
        if secret := value.get_secret_value():
            sign.key(secret)
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        timetable.zone(value)
        return value

    @field_validator("opening_hours")
    @classmethod
    def _readable_hours(cls, value: str) -> str:
        timetable.hours(value)
        return value

    @field_validator("holidays")
    @classmethod
    def _readable_days(cls, value: str) -> str:
        timetable.closed_days(value)
        return value

    @model_validator(mode="after")
    def _warned_before(self) -> Self:
        for name in ("bot_idle", "member_idle", "agent_idle"):
            warn, end = f"timer_{name}_warn", f"timer_{name}"
            if getattr(self, warn) >= getattr(self, end):
                raise ValueError(f"{warn.upper()} must be less than {end.upper()}")
        return self

    @model_validator(mode="after")
    def _followed_with_a_signature(self) -> Self:
        if bool(self.case_webhook_url) != bool(self.case_webhook_secret.get_secret_value()):
            raise ValueError("CASE_WEBHOOK_URL and CASE_WEBHOOK_SECRET go together: set both, or neither")
        return self

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'orchestrator.db'}"

    @property
    def desk_kind(self) -> Literal["flex", "builtin"]:
        return self.desk or ("flex" if self.twilio_account_sid else "builtin")

    @property
    def limits(self) -> Limits:
        """The numbers that the tables are given."""
        timers = {
            name.removeprefix("timer_"): value
            for name, value in self.model_dump().items()
            if name.startswith("timer_")
        }
        return Limits(**timers, misses=self.misses)

    @property
    def targets(self) -> Targets:
        """What agents of cases are held to."""
        return Targets(self.case_first_response_s, self.case_resolution_s)

    @property
    def zone(self) -> tzinfo:
        """Of the opening hours, and of the days that are counted."""
        return timetable.zone(self.time_zone)

    @property
    def hours(self) -> Hours:
        """When somebody is there."""
        return timetable.hours(self.opening_hours, self.zone, self.holidays)

    @property
    def twilio_login(self) -> tuple[str, str]:
        if self.twilio_api_key_sid:
            return self.twilio_api_key_sid, self.twilio_api_key_secret.get_secret_value()
        return self.twilio_account_sid, self.twilio_auth_token.get_secret_value()

    @property
    def twilio_auth_tokens(self) -> tuple[str, ...]:
        """Secrets that webhooks may be signed with, the current one first."""
        tokens = (self.twilio_auth_token, self.twilio_auth_token_previous)
        return tuple(value for token in tokens if (value := token.get_secret_value()))

    def require(self, *names: str) -> None:
        """Raises ConfigurationError for the first setting of these that is empty."""
        for name in names:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if not value:
                hint = type(self).model_fields[name].description or ""
                raise ConfigurationError(f"{name.upper()} is not set", hint)


def _is_receiver(url: str) -> bool:
    """Whether case webhooks may go there: nothing of a case crosses a network in the clear."""
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # raises ValueError for a port that is none
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOCAL)


def load(**overrides: Any) -> Settings:
    """Settings from the environment and `.env`. Raises ConfigurationError naming the first bad one."""
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        what = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # of two settings together
            raise ConfigurationError(what) from None
        name = str(first["loc"][0])
        hint = getattr(Settings.model_fields.get(name), "description", "") or ""
        raise ConfigurationError(f"{name.upper()}: {what}", hint) from None
    local = f"http://{settings.host}:{settings.port}"
    if settings.twilio_api_url or settings.desk_kind == "builtin":
        settings.public_url = settings.public_url or local
    elif not settings.public_url.startswith("https://"):
        raise ConfigurationError(
            f"PUBLIC_URL is {settings.public_url or 'not set'}",
            "Twilio must reach this service by https: set the origin it is reached under",
        )
    return settings
