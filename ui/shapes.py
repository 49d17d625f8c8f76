"""The JSON that people's programs see, the same from the shell and over HTTP."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from bot.messages import Answer
from bot.records import KeyInfo
from knowledge.documents import Passage


def answer_json(answer: Answer) -> dict[str, Any]:
    """An answer as `ask --json` prints it."""
    return {
        "answer": answer.text,
        "citations": [{"id": c.id, "source": c.source, "title": c.title, "text": c.text, "score": c.score} for c in answer.citations],
        "abstained": answer.abstained,
        "route": answer.route,
        "reason": answer.reason,
        "backend": answer.backend,
        "adapter": answer.adapter,
        "prompt_version": answer.prompt_version,
        "language": answer.language,
        "intent": answer.intent,
        "sentiment": answer.sentiment,
        "tokens": asdict(answer.tokens),
        "latency_ms": dict(answer.latency_ms),
        "conversation": answer.conversation,
        "message": answer.message,
        "interrupted": answer.interrupted,
        "rungs": [{"backend": name, "error": error} for name, error in answer.rungs],
        "why": answer.why,
    }


def hits_json(passages: Iterable[Passage]) -> dict[str, Any]:
    """Passages as `search --json` prints them."""
    return {
        "hits": [
            {"id": p.chunk.id, "source": p.chunk.source, "title": p.chunk.title, "text": p.chunk.text, "score": p.score} for p in passages
        ]
    }


def keys_json(keys: Iterable[KeyInfo]) -> dict[str, Any]:
    """Keys as `keys list --json` prints them; times are ISO 8601."""
    return {
        "keys": [
            {
                "name": key.name,
                "created": key.created.isoformat(),
                "last_used": key.last_used.isoformat() if key.last_used else None,
                "revoked": key.revoked,
            }
            for key in keys
        ]
    }
