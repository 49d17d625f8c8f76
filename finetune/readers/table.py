"""Conversations in a table: one line each (a question and its answer), or one row a message, its columns told by their names."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence

from finetune.conversations import BadRow, Conversation, Loaded, Problem
from finetune.errors import BadTranscripts, UnknownColumns
from finetune.readers.desks import moment
from finetune.readers.speakers import Said, messages, recurring
from finetune.readers.text import plain

FIELDS: dict[str, str] = {
    "question": "question instruction query customer_message user_message prompt inquiry 问题 提问 客户问题",
    "answer": "answer response reply agent_message agent_reply resolution completion 回答 答案 回复 客服回复",
    "conversation": "conversation_id conversation conv_id dialogue_id dialog_id chat_id thread_id ticket_id ticket session_id session"
    " 会话id 会话 对话id 工单号 会话编号",
    "role": "role sender_type author_type speaker_role sender speaker from author participant direction 角色 发送者 发言人 说话人 身份",
    "text": "text message body content utterance comment msg 内容 消息 文本 消息内容 聊天内容",
    "customer": "customer_id customer user_id client_id requester_id contact_id 客户id 客户 用户id",
    "at": "at created_at timestamp time date datetime sent_at 时间 日期 发送时间 创建时间",
    "status": "status state 状态",
}
_ALLOWED = "question and answer, or role and text (with conversation where there is more than one)"

Row = Mapping[str, str]


def read_table(text: str, columns: Mapping[str, str]) -> Loaded:
    """Read a table with a header. columns: our fields to the table's columns where the guess is wrong. Raises `BadTranscripts`."""
    before = csv.field_size_limit(2**24)  # of the whole process, so it is put back
    try:
        rows = list(csv.DictReader(io.StringIO(text), dialect=_dialect(text), restkey="", restval=""))
    except csv.Error as error:
        raise BadTranscripts(f"the table cannot be read: {error}. Save it as CSV in UTF-8, with a header.") from None
    finally:
        csv.field_size_limit(before)
    header = [name for name in (rows[0] if rows else {}) if name]
    found = guess(header) | _confirmed(columns, header)
    if {"question", "answer"} <= found.keys():
        return _pairs(rows, found)
    if {"role", "text"} <= found.keys():
        return _lines(rows, found)
    raise UnknownColumns(
        f"the table's columns are {', '.join(header) or 'none'}; needed are {_ALLOWED}. "
        "Say which is which: --columns text=Body,role=Sender",
        header,
    )


def guess(header: Sequence[str]) -> dict[str, str]:
    """Which column is which of our fields: the one whose name stands first in the field's list. Each column is used once."""
    plain_names = {"_".join(name.strip().lower().replace("-", " ").split()): name for name in header}
    found: dict[str, str] = {}
    for field, words in FIELDS.items():
        names = (plain_names[word] for word in words.split() if word in plain_names)
        if name := next((name for name in names if name not in found.values()), None):
            found[field] = name
    return found


def _confirmed(columns: Mapping[str, str], header: Sequence[str]) -> dict[str, str]:
    for field, name in columns.items():
        if field not in FIELDS:
            raise BadTranscripts(f"there is no field {field!r}; allowed: {', '.join(FIELDS)}")
        if name not in header:
            raise BadTranscripts(f"there is no column {name!r}; the table has: {', '.join(header)}")
    return dict(columns)


def _dialect(text: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(text[: text.find("\n") + 1 or None][:8192], delimiters=",;\t|")
    except csv.Error:
        return csv.excel


def _pairs(rows: Sequence[Row], found: Mapping[str, str]) -> Loaded:
    made, problems = [], []
    for number, row in enumerate(rows, 1):
        value = _reader(row, found)
        question, answer = plain(value("question")), plain(value("answer"))
        if not question or not answer:
            problems.append(Problem(number, "its question or its answer is empty; give both"))
            continue
        turns = messages([("customer", question), ("agent", answer)])
        made.append(
            Conversation(value("conversation") or str(number), turns, value("customer"), moment(value("at")), value("status"), number)
        )
    return Loaded(tuple(made), tuple(problems), "csv", dict(found))


def _lines(rows: Sequence[Row], found: Mapping[str, str]) -> Loaded:
    said: dict[str, list[Said]] = {}
    first: dict[str, tuple[int, Row]] = {}
    problems = []
    for number, row in enumerate(rows, 1):
        value = _reader(row, found)
        who, text, name = value("role"), plain(value("text")), value("conversation") or "1"
        if not who or not text:
            problems.append(Problem(number, f"its {'text' if who else 'role'} is empty; a row is one message with who said it"))
            continue
        said.setdefault(name, []).append((who, text))
        first.setdefault(name, (number, row))
    known = recurring(list(said.values()))
    made = []
    for name, lines in said.items():
        number, row = first[name]
        value = _reader(row, found)
        try:
            turns = messages(lines, known)
        except BadRow as error:
            problems.append(Problem(number, str(error)))
            continue
        made.append(Conversation(name, turns, value("customer"), moment(value("at")), value("status").lower(), number))
    return Loaded(tuple(made), tuple(problems), "csv", dict(found))


def _reader(row: Row, found: Mapping[str, str]) -> Callable[[str], str]:
    """Gives a row's value for one of our fields, without the white space around it; empty where there is no such column."""

    def value(field: str) -> str:
        return (row.get(found.get(field, "\0")) or "").strip()

    return value
