"""Several things asked in one message."""

from pathlib import Path

from tests.bot.turning import ASKED, DELIVERY, OFF_TOPIC, RETURNS, desk, hosted

PAINTED = "Who painted the famous ceiling of a small old chapel in Rome"
BOTH = f"{ASKED} And how much does standard delivery cost?"


def test_each_is_answered_in_its_own_paragraph_with_its_source_and_looked_up_by_itself(tmp_path: Path):
    with desk(tmp_path) as shop:
        answer = shop.ask(BOTH)
        first, second = answer.text.split("\n\n")
        assert RETURNS in first
        assert DELIVERY in second
        assert {citation.source for citation in answer.citations} == {"returns.md", "delivery.md"}
        assert [row["text"] for row in shop.provenance(answer.reply)["searched"]] == [ASKED, "how much does standard delivery cost?"]


def test_what_is_unknown_is_said_where_the_other_is_known(tmp_path: Path):
    with desk(tmp_path) as shop:
        answer = shop.ask(f"{ASKED} {PAINTED}?")
        assert not answer.abstained
        assert answer.text.startswith(RETURNS)
        assert answer.text.endswith(f'I couldn\'t find anything on "{PAINTED}" in our help pages.')


def test_where_nothing_is_known_that_is_said_once(tmp_path: Path):
    with desk(tmp_path) as shop:
        answer = shop.ask(f"{OFF_TOPIC} And who won the tennis final?")
        assert answer.abstained
        assert "\n" not in answer.text


def test_a_model_is_given_the_passages_of_all_of_them_and_the_whole_message(tmp_path: Path):
    model = hosted()
    with desk(tmp_path, model) as shop:
        shop.ask(BOTH)
        prompt = model.asked[0][0]
        assert prompt.messages[-1].text == BOTH
        assert {RETURNS, DELIVERY} <= {sentence for passage in prompt.passages for sentence in passage.chunk.sentences}
