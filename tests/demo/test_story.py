"""The story against the real service, over sockets. About half a minute: what is in doubt is not hurried."""

from __future__ import annotations

import pytest

from orchestrator.demo import story


@pytest.mark.timeout(90)
async def test_the_whole_story_holds(capsys: pytest.CaptureFixture[str]) -> None:
    code = await story.run()

    told = capsys.readouterr().out
    assert "FAIL" not in told
    assert code == 0
    assert told.index("What mia saw") < told.index("What the agent saw") < told.index("Journal")
