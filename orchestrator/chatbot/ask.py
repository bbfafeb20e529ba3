"""The handler of the effect that asks the chatbot: the texts of the rows as one question."""

from __future__ import annotations

from dataclasses import asdict

from machines.effects import Kind
from machines.events import Trigger
from orchestrator.chatbot.answer import Chatbot
from orchestrator.ports import Done, Handler, Job
from storage.reads.reader import Reader


class Asker:
    """Carries out effects in lanes `chatbot:`. Asking again is harmless: only the current answer counts."""

    def __init__(self, chatbot: Chatbot, reader: Reader) -> None:
        self.chatbot = chatbot
        self.reader = reader

    def handlers(self) -> dict[str, Handler]:
        return {Kind.ASK_CHATBOT: self.ask}

    async def ask(self, job: Job) -> Done:
        payload = job.effect.payload
        rows = await self.reader.messages(payload["messages"])
        question = "\n".join(row.body for row in rows if not row.deleted)
        answer = await self.chatbot.answer(question)
        return Done(
            trigger=Trigger.BOT_ANSWERED,
            data={
                "question": payload["question"],
                "kind": str(answer.kind),
                "body": answer.text,
                "articles": [asdict(article) for article in answer.articles],
                "courtesy": str(answer.courtesy) if answer.courtesy else None,
                "score": round(answer.score, 4),
            },
        )
