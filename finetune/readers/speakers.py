"""Who speaks: roles by the words that files use for them, or by how a conversation goes where they use names."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from bot.messages import Message, Role
from finetune.conversations import BadRow
from knowledge.language import normalise

Said = tuple[str, str]
"""Who, as the file calls them, and what."""

_WORDS: dict[Role, str] = {
    "customer": "customer user client visitor guest buyer caller consumer contact enduser end-user requester incoming human lead"
    " 客户 顾客 用户 买家 访客 会员 来电人",
    "agent": "agent admin operator support staff representative rep advisor employee seller outgoing wizard clerk helpdesk csr"
    " 客服 坐席 商家 卖家 店家 人工 人工客服 客服人员 专员",
    "bot": "bot assistant chatbot ai robot virtualassistant agentbot automation 机器人 智能客服 机器人客服 小助手",
    "system": "system note activity event info notification 系统 系统消息 备注",
    "action": "action tool function",
}
ROLES: dict[str, Role] = {word: role for role, words in _WORDS.items() for word in words.split()}
_GREETS = re.compile(
    r"\b(?:how (?:can|may) i (?:help|assist)|(?:thank you|thanks) for (?:contacting|calling|reaching)|my name is \w+ (?:from|with))"
    r"|(?:有什么|请问有什么)(?:可以|能)帮|为您服务|欢迎光临|很高兴为您",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def role_of(word: str) -> Role | None:
    """The role that a file's word for a speaker means; None for a name."""
    plain = re.sub(r"[\s_:：]+|\d+$", "", normalise(word).lower())
    return ROLES.get(plain) or ROLES.get(plain.partition("-")[0])


def messages(said: Sequence[Said], known: frozenset[str] = frozenset()) -> tuple[Message, ...]:
    """The lines with their roles. known: names that belong to agents, whoever begins.

    Names without a known word are told apart by the conversation: the one who greets as a shop does is the agent, else the one who
    answers. Raises `BadRow` when three or more names are left and nothing tells which of them is the customer.
    """
    names = list(dict.fromkeys(who for who, _ in said if role_of(who) is None))
    roles: dict[str, Role] = {who: role for who, _ in said if (role := role_of(who))}
    roles |= {name: "agent" for name in names if name in known}
    left = [name for name in names if name not in roles]
    has = set(roles.values())
    if left and "customer" not in has:
        greeting = next((who for who, text in said if who in left and _GREETS.search(text)), None)
        asks = next((name for name in left if name != greeting), None)
        if asks is None:
            raise BadRow(f"only {left[0]!r} speaks here; a conversation needs a customer and somebody who answers")
        roles[asks] = "customer"
        left.remove(asks)
        has.add("customer")
    if len(left) > 1 and "agent" not in has and not known:
        raise BadRow(f"it cannot be told who of {', '.join(left)} is the agent; name the roles customer and agent")
    roles |= dict.fromkeys(left, "agent")
    return tuple(Message(roles[who], text) for who, text in said)


def recurring(conversations: Sequence[Sequence[Said]]) -> frozenset[str]:
    """Names that speak in a fifth of the conversations or more, and in three at least: agents, as customers come and go."""
    count = Counter(who for said in conversations for who in {who for who, _ in said} if role_of(who) is None)
    return frozenset(name for name, times in count.items() if times >= max(3, len(conversations) / 5))
