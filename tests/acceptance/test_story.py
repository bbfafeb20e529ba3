"""The main job, straight through, over sockets: one DM is answered, handed off, talked over and closed."""

from __future__ import annotations

from tests.acceptance.playing import Stage, either_desk


@either_desk
async def test_one_dm_is_answered_by_the_bot_taken_over_by_an_agent_and_closed(stage: Stage) -> None:
    mia = stage.member()
    await mia.helpme()
    await mia.told_only("I wrote you a direct message")
    await mia.hears("greeting")

    await mia.write("I forgot my password")
    await mia.write("and there is no reset mail")
    answer = await mia.reads("This should help:")
    assert "assword" in answer["content"]
    await mia.write("zzgrbl qwrk vvnn")
    await mia.hears("unsure")
    await mia.press("agent_requested")
    place = await mia.hears("place")
    assert "#1." in place["content"]
    assert "next in line" in place["content"]

    task = await stage.task()
    transcript = await task.said_before()
    for words in ("I forgot my password", "and there is no reset mail", "zzgrbl qwrk vvnn"):
        assert transcript.count(words) == 1
    await task.accept("ada")
    assert "ada" in (await mia.hears("agent_joined"))["content"]

    for n in range(5):
        await mia.write(f"question {n}")
        await task.write(f"reply {n}")
    await task.gets(*(f"question {n}" for n in range(5)))
    await mia.gets(*(f"reply {n}" for n in range(5)))

    await task.complete()
    goodbye = await mia.hears("goodbye")
    assert "#1)" in goodbye["content"]
    await mia.press("rating", goodbye)
    await mia.hears("rating_thanks")

    await mia.write("How do I invite a friend?")
    await mia.reads("nvite")
    await mia.press("agent_requested")
    again = await stage.task(2)
    assert "How do I invite a friend?" in await again.said_before()
    assert "question 1" not in await again.said_before()
    assert "#2." in (await mia.hears("place", times=2))["content"]


async def test_interactions_are_acknowledged_in_3_s_and_webhooks_answered_in_5_s(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    for n in range(3):
        await task.write(f"reply {n}")
    await mia.gets("reply 0", "reply 1", "reply 2")

    log = await stage.control.log()
    acknowledged = [e for e in log if e["path"].startswith("/interactions/")]
    assert len(acknowledged) == 2
    assert all(e["status"] in (200, 204) for e in acknowledged)
    webhooks = [e for e in log if e["to"] == "webhook"]
    assert len(webhooks) >= 4
    assert {e["status"] for e in webhooks} == {204}


@either_desk
async def test_two_members_at_once_never_cross(stage: Stage) -> None:
    mia, tom = stage.member("mia"), stage.member("tom")
    to_mia = await stage.handed_off(mia, "ada")
    to_tom = await stage.handed_off(tom, "ben")
    for n in range(4):
        await mia.write(f"mia {n}")
        await tom.write(f"tom {n}")
        await to_mia.write(f"for mia {n}")
        await to_tom.write(f"for tom {n}")

    await to_mia.gets(*(f"mia {n}" for n in range(4)))
    await to_tom.gets(*(f"tom {n}" for n in range(4)))
    await mia.gets(*(f"for mia {n}" for n in range(4)))
    await tom.gets(*(f"for tom {n}" for n in range(4)))
