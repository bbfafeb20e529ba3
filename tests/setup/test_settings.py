"""Settings: what is wrong is named, what is secret is masked, what is not said follows from the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from machines.hours import ALWAYS
from orchestrator.errors import ConfigurationError
from orchestrator.settings import load

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the caller's settings nor a `.env` beside the tests."""
    for name in ("DATABASE_URL", "PUBLIC_URL", "PORT", "DISCORD_TOKEN", "DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("TIMER_ASK", "0"),
        ("MISSES", "-1"),
        ("LOG_LEVEL", "loud"),
        ("OPENING_HOURS", "mon-fri 9-17"),
        ("OPENING_HOURS", "mon-fri 09:00-17:00; mo closed"),
        ("TIME_ZONE", "Europe/Berln"),
        ("HOLIDAYS", "2026-02-30"),
        ("CASE_WEBHOOK_URL", "crm.example.org/hooks"),
        ("CASE_WEBHOOK_URL", "http://crm.example.org/hooks"),
        ("CASE_WEBHOOK_URL", "https://"),
        ("CASE_WEBHOOK_URL", "https://u:secret@crm.example.org/hooks"),
        ("CASE_WEBHOOK_URL", "https://crm.example.org:eighty/hooks"),
        ("CASE_WEBHOOK_URL", "https://crm.example.org/a hook"),
        ("CASE_WEBHOOK_URL", "https://[crm/hooks"),
        ("CASE_WEBHOOK_SECRET", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"),
        ("CASE_WEBHOOK_SECRET", "whsec_secret"),
        ("CASE_WEBHOOK_SECRET", "whsec_c2VjcmV0"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://u:secret@127.0.0.1/db"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load()
    assert refused.value.what.startswith(f"{name}: ")
    assert "secret" not in str(refused.value)


def test_a_setting_that_is_empty_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert load().port == 8080


def test_the_first_setting_that_is_missing_is_named_with_a_hint() -> None:
    with pytest.raises(ConfigurationError, match="DISCORD_TOKEN is not set") as missing:
        load().require("public_url", "discord_token", "twilio_account_sid")
    assert missing.value.hint


def test_secrets_are_masked() -> None:
    settings = load(discord_token="canary-1", twilio_auth_token="canary-2", twilio_api_key_secret="canary-3")
    assert "canary" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.org/hooks?token=t",
        "http://localhost:9000/",
        "http://127.0.0.1:9000",
        "http://[::1]/x",
    ],
)
def test_cases_are_told_over_https_or_on_this_machine(url: str) -> None:
    assert load(case_webhook_url=url, case_webhook_secret=WEBHOOK_SECRET).case_webhook_url == url


@pytest.mark.parametrize(
    "one", [{"case_webhook_url": "https://crm.example.org"}, {"case_webhook_secret": WEBHOOK_SECRET}]
)
def test_an_address_and_the_secret_that_signs_for_it_go_together(one: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^CASE_WEBHOOK_URL and CASE_WEBHOOK_SECRET") as refused:
        load(**one)
    assert WEBHOOK_SECRET not in str(refused.value)
    assert refused.value.exit_code == 78


def test_neither_where_cases_are_told_nor_with_what_secret_is_shown() -> None:
    settings = load(case_webhook_url="https://crm.example.org/canary", case_webhook_secret=WEBHOOK_SECRET)
    assert "canary" not in repr(settings) + str(settings)
    assert WEBHOOK_SECRET not in repr(settings) + str(settings) + settings.model_dump_json()


def test_the_database_is_a_file_in_the_data_folder_unless_said_otherwise() -> None:
    assert load(data_dir="somewhere").database == "sqlite:///somewhere/orchestrator.db"
    assert load(database_url="postgresql://host/db").database == "postgresql://host/db"


def test_addresses_lose_their_last_slash() -> None:
    assert load(public_url="https://example.org/").public_url == "https://example.org"
    assert load(port=4000).public_url == "http://127.0.0.1:4000"


def test_a_key_logs_in_instead_of_the_token() -> None:
    account = {"twilio_account_sid": "AC1", "public_url": "https://help.example.org"}
    assert load(**account, twilio_auth_token="t").twilio_login == ("AC1", "t")
    with_key = load(**account, twilio_api_key_sid="SK1", twilio_api_key_secret="s")
    assert with_key.twilio_login == ("SK1", "s")


def test_twilio_must_be_told_an_https_origin() -> None:
    for public_url in ("", "http://help.example.org", "help.example.org", "https://help.example.org/path"):
        with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
            load(twilio_account_sid="AC1", public_url=public_url)
    local = load(twilio_account_sid="AC1", twilio_api_url="http://127.0.0.1:3900/twilio", port=8123)
    assert local.public_url == "http://127.0.0.1:8123"


def test_webhooks_may_be_signed_with_the_token_of_yesterday() -> None:
    settings = load(twilio_auth_token="new", twilio_auth_token_previous="old")
    assert settings.twilio_auth_tokens == ("new", "old")
    assert load(twilio_auth_token="new").twilio_auth_tokens == ("new",)


def test_the_word_of_the_opening_hours_that_is_wrong_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^OPENING_HOURS: '25:00-26:00' is not on the clock"
    ) as refused:
        load(opening_hours="mon-fri 09:00-17:00; sat 25:00-26:00")
    assert "mon-fri 09:00-17:00; sat" in refused.value.hint


def test_somebody_is_always_there_unless_said_otherwise() -> None:
    assert load().hours == ALWAYS


def test_opening_hours_are_those_of_the_zone_and_leave_out_the_holidays() -> None:
    hours = load(
        opening_hours="mon-fri 09:00-17:00", time_zone="America/New_York", holidays="2026-03-02, 07-04"
    ).hours
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    assert hours.opens_at(monday) == datetime(2026, 3, 3, 14, tzinfo=UTC)


def test_every_timer_reaches_the_tables() -> None:
    assert load(timer_alone=1.5, misses=3).limits.alone == 1.5
    assert load(misses=3).limits.misses == 3


@pytest.mark.parametrize("page", ["example.org/privacy", "https://example.org/<p>", "https://" + "x" * 501])
def test_what_is_no_address_of_a_page_is_not_named_to_members(page: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^PRIVACY_URL: must be an address"):
        load(privacy_url=page)


def test_a_page_on_privacy_may_stand_anywhere() -> None:
    page = "https://example.org/privacy?lang=en#bot"
    assert load(privacy_url=page).privacy_url == page
