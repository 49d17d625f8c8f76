"""The exports of three help desks."""

from finetune.load import _taken
from finetune.readers.desks import conversation, moment, unpacked

ZENDESK = {
    "id": 35436,
    "status": "solved",
    "requester_id": 20978392,
    "created_at": "2024-03-01T09:00:00Z",
    "comments": [
        {"id": 1, "author_id": 20978392, "plain_body": "My lamp flickers.", "public": True, "via": {"channel": "email"}},
        {"id": 2, "author_id": -1, "body": "We have got your request.", "public": True, "via": {"channel": "rule"}},
        {"id": 3, "author_id": 77, "body": "customer is angry", "public": False, "via": {"channel": "web"}},
        {"id": 4, "author_id": 77, "html_body": "<p>Please <b>change</b> the bulb.</p>", "public": True, "via": {"channel": "web"}},
    ],
}
INTERCOM = {
    "type": "conversation",
    "id": "123",
    "created_at": 1709283600,
    "state": "closed",
    "source": {"body": "<p>My lamp flickers.</p>", "author": {"type": "user", "id": "u1"}},
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "u1"}]},
    "conversation_parts": {
        "conversation_parts": [
            {"part_type": "comment", "body": "<p>We have got your request.</p>", "author": {"type": "bot", "id": "b"}},
            {"part_type": "note", "body": "<p>customer is angry</p>", "author": {"type": "admin", "id": "a"}},
            {"part_type": "assignment", "body": None, "author": {"type": "admin", "id": "a"}},
            {"part_type": "comment", "body": "<p>Please change the bulb.</p>", "author": {"type": "admin", "id": "a"}},
        ]
    },
}
CHATWOOT = {
    "id": 9,
    "status": "resolved",
    "meta": {"sender": {"id": 41, "name": "Anna"}},
    "messages": [
        {"id": 4, "content": "Please change the bulb.", "message_type": 1, "created_at": 1709283640, "sender": {"id": 2, "type": "user"}},
        {"id": 1, "content": "My lamp flickers.", "message_type": 0, "created_at": 1709283600, "sender": {"id": 41, "type": "contact"}},
        {"id": 2, "content": "We have got your request.", "message_type": 1, "created_at": 1709283610, "sender_type": "AgentBot"},
        {"id": 3, "content": "customer is angry", "message_type": 1, "private": True, "created_at": 1709283620, "sender": {"type": "user"}},
        {"id": 5, "content": "Anna was assigned", "message_type": 2, "created_at": 1709283650},
    ],
}
SAID = [("customer", "My lamp flickers."), ("bot", "We have got your request."), ("agent", "Please change the bulb.")]


def test_each_desk_gives_what_was_said_and_not_what_is_internal():
    for record, customer, status in ((ZENDESK, "20978392", "solved"), (INTERCOM, "u1", "closed"), (CHATWOOT, "41", "resolved")):
        found = conversation(record, 1)
        assert [(turn.role, turn.text) for turn in found.turns] == SAID
        assert (found.customer, found.status, found.at) == (customer, status, "2024-03-01T09:00:00+00:00")


def test_the_desk_is_named_and_its_wrappers_are_opened():
    for name, record, whole in (
        ("zendesk", ZENDESK, {"tickets": [ZENDESK], "count": 1}),
        ("intercom", INTERCOM, {"type": "conversation.list", "conversations": [INTERCOM]}),
        ("chatwoot", CHATWOOT, {"data": {"meta": {}, "payload": [CHATWOOT]}}),
    ):
        assert _taken(enumerate(unpacked(whole), 1)).format == name
        assert unpacked(record) == [record]


def test_the_comments_of_one_ticket_tell_their_authors_by_the_list_of_users():
    comments = [{**comment, "public": True} for comment in ZENDESK["comments"]]
    users = [{"id": 77, "role": "admin"}, {"id": 20978392, "role": "end-user"}]
    found = conversation({"comments": list(reversed(comments)), "users": users}, 5)
    assert [turn.role for turn in found.turns] == ["agent", "agent", "bot", "customer"]
    assert found.id == "5"


def test_a_time_is_read_in_seconds_in_milliseconds_and_as_text():
    assert moment(1709283600) == moment(1709283600000) == moment("1709283600") == moment("2024-03-01T10:00:00+01:00")
    assert moment("2024/03/01 09:00") == "2024-03-01T09:00:00+00:00"
    assert [moment(value) for value in ("", None, "soon", True, 1e300, {})] == [""] * 6
