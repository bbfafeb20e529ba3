"""Outside the opening hours: what the member is told, what becomes of a message left, and when somebody comes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.playing import Stage


async def test_outside_hours_a_message_becomes_the_case_that_an_agent_takes_up(bare: Stage) -> None:
    """Told when, leaves a message; once it is open a person can be asked for, on the same case."""
    opens = (datetime.now(UTC) + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
    bare.adjusted |= {"opening_hours": f"{opens:%Y-%m-%d} 09:00-17:00"}
    await bare.start()
    mia = bare.member()
    await mia.helpme()
    greeting = await mia.hears("greeting")
    await mia.press("agent_requested", greeting)
    told = await mia.hears("outside_hours")
    assert f"<t:{int(opens.timestamp())}:F>" in told["content"]
    assert re.search(r"#1\b", told["content"])
    await mia.fills_in(await mia.press("message_left", told), "Call me on Monday")
    await mia.hears("message_kept")
    assert bare.messages_left() == ["Call me on Monday"]
    assert await bare.tasks() == []

    await bare.stop()
    bare.adjusted |= {"opening_hours": "always"}
    await bare.serve()
    await mia.press("agent_requested", greeting)
    task = await bare.task()
    assert re.search(r"#1\b", (await mia.hears("place"))["content"])
    await task.accept("ada")
    await mia.hears("agent_joined")
    await mia.write("thank you for coming")
    await task.gets("thank you for coming")


async def test_hours_that_never_come_are_said_at_the_start_and_to_the_member(
    bare: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    bare.adjusted |= {"opening_hours": "mon-sun closed"}
    await bare.start()
    warned = [record for record in caplog.records if "OPENING_HOURS" in record.getMessage()]
    assert [record.levelname for record in warned] == ["WARNING"]
    mia = bare.member()
    await mia.write("zzgrbl qwrk")
    await mia.hears("unsure")
    await mia.write("vvnn xxyy")
    told = await mia.hears("outside_hours")
    assert "I cannot say when" in told["content"]
    assert "<t:" not in told["content"]
    await mia.fills_in(await mia.press("message_left", told), "whenever you can")
    await mia.hears("message_kept")
    assert bare.messages_left() == ["whenever you can"]
