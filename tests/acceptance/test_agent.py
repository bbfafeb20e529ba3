"""While member and agent talk: who joined, edits and deletes both ways, leaving, and failed deliveries."""

from __future__ import annotations

import pytest

from tests.acceptance.playing import PATIENCE_S, Stage, either_desk, says, until


async def test_a_word_that_arrives_before_the_join_report_joins_the_agent(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia, agent=None)
    await stage.control.post("/webhooks", hold=True)
    await task.accept("ada")
    await task.write("first word")
    held = stage.sandbox.twilio_shell.delivery.held

    async def both() -> bool:
        return {"onParticipantAdded", "onMessageAdded"} <= {hook.field("EventType") for hook in held}

    await until("both webhooks are held", both)
    held.sort(key=lambda hook: hook.field("EventType") != "onMessageAdded")
    await stage.control.post("/webhooks", release="fifo")
    await mia.gets("first word")
    assert len(await mia.heard("agent_joined")) == 1
    texts = await mia.texts()
    joined = next(n for n, text in enumerate(texts) if says("agent_joined", text))
    assert joined < next(n for n, text in enumerate(texts) if "first word" in text)


@either_desk
async def test_edits_and_deletes_of_the_member_reach_the_desk(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    kept, gone = await mia.write("one"), await mia.write("two")
    await task.gets("one", "two")
    await mia.edit(kept, "one, corrected")
    await mia.unsend(gone)

    async def changed() -> bool:
        return await task.from_member() == ["one, corrected"]

    await until("the desk shows the change", changed)


@either_desk
async def test_edits_and_deletes_of_the_agent_reach_the_member(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    kept, gone = await task.write("one"), await task.write("two")
    await mia.gets("one", "two")
    await task.edit(kept, "one, corrected")
    await task.unsend(gone)

    async def changed() -> bool:
        return await mia.from_agent() == ["one, corrected"]

    await until("the DM shows the change", changed)


async def test_a_message_changed_before_its_delivery_arrives_as_changed(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.control.fault("twilio", "POST", "/Messages$", status=429, headers={"Retry-After": "1"})
    first, second = await mia.write("one"), await mia.write("two")
    await mia.edit(first, "one, corrected")
    await mia.unsend(second)
    await mia.write("three")
    await task.gets("one, corrected", "three")


async def test_an_agents_message_changed_before_its_delivery_arrives_as_changed(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.control.fault("discord", "POST", "/messages$", status=500)
    first, second = await task.write("one"), await task.write("two")
    await task.edit(first, "one, corrected")
    await task.unsend(second)
    await task.write("three")
    await mia.gets("one, corrected", "three")


async def test_a_reply_is_relayed_like_any_other_message(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await task.write("which server?")
    line = await mia.reads("which server?")
    await mia.write("the german one", reply_to=line["id"])
    await task.gets("the german one")


async def test_a_sticker_and_a_file_are_no_empty_messages(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await mia.write("", stickers=["wave"])
    await mia.write("", attachments=[{"filename": "log.txt", "text": "hello"}])

    async def both() -> bool:
        return len(await task.from_member()) == 2

    await until("both arrive", both)
    sticker, file = await task.from_member()
    assert "wave" in sticker
    assert "log.txt" in file


@either_desk
async def test_reactions_of_the_member_are_noted_at_the_desk(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    mine = await mia.write("better now!")
    await task.gets("better now!")
    await mia.react(mine, "👍")
    assert "👍" in await task.noted("member_reacted")


async def test_long_words_of_an_agent_arrive_in_parts_and_in_order(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    text = " ".join(f"word{n}" for n in range(900))
    await task.write(text)
    await mia.reads("word899")
    parts = [t for t in await mia.texts() if "word" in t and "own words" not in t]
    assert len(parts) > 2
    assert all(len(part) <= 2000 for part in parts)
    assert " ".join(" ".join(parts).split()) == f"**ada:** {text}"


@either_desk
async def test_when_the_agent_leaves_the_member_is_told_and_another_one_is_asked(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await task.leave()
    await mia.hears("all_left")
    again = await stage.asked_again(task)
    await again.accept("ben")
    await mia.hears("agent_joined", times=2)
    await mia.write("hello ben")
    await again.gets("hello ben")


@either_desk
async def test_the_member_is_told_when_an_agent_closes_and_can_reopen(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await task.complete()
    goodbye = await mia.hears("goodbye")
    await mia.press("reopen", goodbye)
    await mia.hears("place", times=2)
    await (await stage.task(2)).accept("ben")
    await mia.hears("agent_joined", times=2)
    assert "#1." in (await mia.hears("place", times=2))["content"]


@either_desk
async def test_the_member_can_end_the_talk_and_rate_it(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    joined = await mia.hears("agent_joined")
    await mia.press("member_closed", joined)
    goodbye = await mia.hears("closed_by_member")
    await task.closes()
    await mia.press("rating", goodbye)
    thanks = await mia.hears("rating_thanks")
    await mia.fills_in(await mia.press("comment", thanks), "quick and kind")
    await mia.hears("comment_thanks")
    await mia.press("member_closed", joined)
    await mia.hears("already_closed")


@either_desk
async def test_a_transcript_can_be_had_after_the_end(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await mia.write("for the record")
    await task.gets("for the record")
    await task.complete()
    await mia.press("transcript_requested", await mia.hears("goodbye"))

    async def files() -> list[str]:
        return [a["filename"] for m in await mia.dm() for a in m["attachments"]]

    await until("the files", files)
    assert await files() == ["transcript.txt", "transcript.html"]


async def test_a_thank_you_after_the_goodbye_starts_nothing(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await task.complete()
    await mia.hears("goodbye")
    thanks = await mia.write("thank you so much!")

    async def reaction() -> bool:
        return any(m["id"] == thanks and m["reactions"] for m in await mia.dm())

    await until("a reaction", reaction)
    await mia.helpme()
    await mia.hears("greeting", times=2)
    told = ["first contact", "greeting", "place", "joined", "goodbye", "greeting"]
    assert len(await mia.texts()) == len(told)


async def test_what_is_written_after_the_close_starts_a_new_conversation(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await task.complete()
    await mia.hears("goodbye")
    await mia.write("How do I reset my password?")
    await mia.reads("This should help:")
    assert await task.from_member() == []


@either_desk
async def test_dms_closed_during_the_talk_are_told_to_the_agent_once(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await mia.set(dms_open=False)
    await task.write("are you there?")
    await task.noted("unreachable")
    await task.noted("not_delivered")
    await mia.set(dms_open=True)
    await mia.write("back again")
    await task.noted("reachable_again")
    await task.gets("back again")
    assert len([n for n in await task.notes() if "Your last message did not reach" in n]) == 1


@pytest.mark.parametrize("press", ["solved", "agent_request_cancelled"])
async def test_a_late_press_while_an_agent_is_there_says_who_is_here(stage: Stage, press: str) -> None:
    mia = stage.member()
    await mia.write("How do I reset my password?")
    await mia.reads("This should help:")
    await mia.press("agent_requested")
    task = await stage.task()
    await task.accept("ada")
    await mia.hears("agent_joined")
    await mia.press(press)
    await mia.hears("who_is_here", within=PATIENCE_S)


async def test_words_of_an_agent_after_the_close_are_not_delivered_but_noted_on_the_case(
    stage: Stage,
) -> None:
    mia = stage.member()
    await mia.write("How do I reset my password?")
    await mia.reads("This should help:")
    await mia.press("agent_requested")
    task = await stage.task()
    await stage.control.fault("twilio", "POST", "/Channels/", delay_s=1.0)
    await mia.press("solved")
    await mia.hears("solved")
    await task.accept("ada")
    await task.write("hello, I am ada")

    async def noted() -> bool:
        return "agent_after_end" in stage.case_notes()

    await until("a note on the case", noted)
    await task.closes()
    assert await mia.from_agent() == []


async def test_a_reaction_to_an_agents_words_is_noted_at_the_desk(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await task.write("better now?")
    line = await mia.reads("better now?")
    await mia.react(line["id"], "👍")
    assert "👍" in await task.noted("member_reacted")


async def test_an_agent_who_left_while_the_webhook_was_lost(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.stop()
    await task.leave()
    await stage.serve()
    await mia.hears("all_left")


async def test_a_community_that_names_nobody_has_its_agents_called_by_no_name(bare: Stage) -> None:
    bare.adjusted |= {"agent_names": "team"}
    await bare.start()
    mia = bare.member()
    task = await bare.handed_off(mia)
    await task.write("how can we help?")
    await mia.reads("**Agent:** how can we help?")
    await mia.press("member_closed", await mia.hears("agent_joined"))
    await mia.hears("closed_by_member")
    assert "ada" not in "\n".join(await mia.texts())
