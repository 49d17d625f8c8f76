"""What the bot says in its own words, without a model: small talk, questions back, hand-overs, and that it does not know."""

from bot import prompts
from bot.escalate import Reason, said_again
from bot.messages import Delta
from bot.store import Store
from bot.turn import Rules, Turn
from bot.wording import named
from knowledge.documents import Language

PERSON = ("waiting", "agent")  # the states of a conversation for which a person has been asked
_WITH_CONTACT = ("handover", "handover_unasked", "handover_already", "failed", "failed_waiting", "no_search")


class OwnWords:
    """Says one sentence as the whole reply of a turn, and records it there."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self._store = store
        self._rules = rules

    def reply(self, language: Language, key: str) -> str:
        """A sentence of replies.*.toml with the shop's values."""
        rules = self._rules
        return prompts.texts(language).reply(key, shop=named(rules.shop, language), contact=rules.contact, limit=rules.max_chars)

    def say(self, turn: Turn, key: str, reason: str | None = None) -> Delta:
        """The whole reply, with the shop's contact where a person is spoken of."""
        turn.text = self.reply(turn.triage.language, key)
        if self._rules.contact and key in _WITH_CONTACT:
            turn.text += f" {self.reply(turn.triage.language, 'contact')}"
        turn.reason = reason
        turn.mark("first_token")
        return Delta(turn.text)

    def without_answer(self, turn: Turn, key: str, reason: Reason) -> Delta:
        """That there is no answer; the second time in a row a person is asked instead, and one who is asked is not offered again."""
        waiting = self.waiting(turn)
        if said_again(key, turn.history) and not waiting:
            return self.hand_over(turn, reason)
        turn.abstained = reason == "missing_knowledge"
        return self.say(turn, f"{key}_waiting" if waiting else key, reason)

    def hand_over(self, turn: Turn, reason: Reason) -> Delta:
        """Record that a person is needed, and say so."""
        key = "handover_already" if self.waiting(turn) else "handover" if reason == "customer_request" else "handover_unasked"
        self._store.hand_over(turn.received.conversation, reason)
        turn.route = "human"
        return self.say(turn, key, reason)

    def waiting(self, turn: Turn) -> bool:
        """Whether a person has been asked for already."""
        return self._store.state(turn.received.conversation) in PERSON
