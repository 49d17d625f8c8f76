"""Conversations in the database."""

from sqlalchemy import create_engine

from bot.messages import Message
from finetune.archive import Archive
from finetune.conversations import Conversation
from finetune.tables import metadata


def test_conversations_are_kept_once_and_a_customers_go_at_their_wish():
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    archive = Archive(engine)
    talks = [
        Conversation(f"c{number}", (Message("customer", "你好"), Message("agent", "Hi")), f"u{number % 2}", "2024")
        for number in range(1200)
    ]
    assert archive.add_all(talks) == 1200
    assert archive.add_all(talks) == 0
    assert archive.get(["c3", "c4", "gone"]) == {"c3": talks[3], "c4": talks[4]}
    assert len(archive.get([talk.id for talk in talks])) == 1200
    gone = archive.erase_customer("u1", ["c2"])
    assert len(gone) == 601
    assert archive.get(["c1", "c2", "c4"]).keys() == {"c4"}
    assert archive.erase_customer("") == []
