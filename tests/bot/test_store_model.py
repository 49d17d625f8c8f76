"""The store against a dictionary: whatever is sent in whatever order, both say the same."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.errors import UnknownConversation
from bot.messages import Answer, Message, Request
from bot.store import Store
from ui.database import migrate, open_engine

CUSTOMERS, CONVERSATIONS, IDS = st.sampled_from(["anna", "ben"]), st.sampled_from(["c1", "c2"]), st.sampled_from(["m1", "m2", "m3"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


class StoreModel(RuleBasedStateMachine):
    """Conversations are lists of (id, role, text, in_reply_to)."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.engine = open_engine(Path(self.folder.name))
        migrate(self.engine)
        self.store = Store(self.engine)
        self.owner: dict[str, str] = {}
        self.lines: dict[str, list[tuple[str, str, str, str | None]]] = {}

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()

    def reply_to(self, conversation: str, message: str) -> tuple[str, str] | None:
        return next(((line[0], line[2]) for line in self.lines.get(conversation, []) if line[3] == message), None)

    @rule(customer=CUSTOMERS, conversation=CONVERSATIONS, message=IDS, text=TEXTS)
    def receive(self, customer: str, conversation: str, message: str, text: str) -> None:
        request = Request(text, conversation, customer, message)
        if self.owner.setdefault(conversation, customer) != customer:
            try:
                self.store.receive(request)
            except UnknownConversation:
                return
            raise AssertionError(f"{customer} got into {conversation}")
        received = self.store.receive(request)
        lines = self.lines.setdefault(conversation, [])
        if message not in [line[0] for line in lines]:
            lines.append((message, "customer", text, None))
        reply = self.reply_to(conversation, message)
        assert lines[received.position - 1][:3] == (message, "customer", received.text)
        assert (received.answer and (received.answer.reply, received.answer.text)) == reply

    @rule(conversation=CONVERSATIONS, message=IDS, text=TEXTS)
    def finish(self, conversation: str, message: str, text: str) -> None:
        answer = Answer(text, conversation, message)
        if message not in [line[0] for line in self.lines.get(conversation, [])]:
            try:
                self.store.finish(answer, {})
            except UnknownConversation:
                return
            raise AssertionError(f"a reply to nothing was saved in {conversation}")
        first = self.reply_to(conversation, message)
        reply = self.store.finish(answer, {})
        if first is None:
            self.lines[conversation].append((reply, "bot", text, message))
        else:
            assert reply == first[0]

    @invariant()
    def same_history(self) -> None:
        for conversation, lines in self.lines.items():
            assert self.store.history(conversation) == tuple(Message(role, text) for _, role, text, _ in lines)  # type: ignore[arg-type]

    @invariant()
    def same_unanswered(self) -> None:
        wanted = {
            (conversation, line[0])
            for conversation, lines in self.lines.items()
            for line in lines
            if line[1] == "customer" and self.reply_to(conversation, line[0]) is None
        }
        assert {(received.conversation, received.message) for received in self.store.unanswered()} == wanted


StoreModel.TestCase.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TestStoreModel = StoreModel.TestCase
