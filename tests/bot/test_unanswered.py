"""A process killed in the middle of turns loses nothing that it acknowledged, and the rest is known and finished at the next start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.backends.fake import FakeBackend
from bot.messages import Answer, Delta, Request
from bot.prompts import texts
from tests.bot.turning import ASKED, ASKED_ZH, desk, open_desk
from tests.threads import in_threads

_TURNS = 40


def _talk(folder: Path) -> None:
    """Take turns in four threads until killed, and say what came: a message's first word, its end."""
    shop = open_desk(folder, FakeBackend([f"word{n} " for n in range(8)], delay_s=0.001))

    def work(number: int) -> None:
        for turn in range(1000):
            message = f"m{number}-{turn}"
            for event in shop.router.turn(Request(f"My order is {turn}. {ASKED}", f"c{number}", "anna", message)):
                if isinstance(event, Answer):
                    os.write(1, f"end {event.conversation} {message} {event.reply}\n".encode())
                elif event == Delta("word0 "):
                    os.write(1, f"word {event.text}{message}\n".encode())

    in_threads(work, 4)


def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path: Path):
    command = [
        sys.executable,
        "-c",
        f"from pathlib import Path; from tests.bot.test_unanswered import _talk; _talk(Path({str(tmp_path)!r}))",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        said = [child.stdout.readline().split() for _ in range(_TURNS)]
        child.send_signal(signal.SIGKILL)
        said += [line.split() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert child.returncode == -signal.SIGKILL
    begun = {line[2] for line in said if line[0] == "word"}
    ended = {line[2]: line[3] for line in said if line[0] == "end"}
    assert len(ended) > 1

    with desk(tmp_path) as shop:
        lines = [line for number in range(4) for line in shop.store.transcript(f"c{number}", "anna")]
        saved = {line.id: line for line in lines}
        replies = {line.answer.message: line for line in lines if line.answer}
        assert begun | ended.keys() <= saved.keys()
        for message, reply in ended.items():
            assert replies[message].id == reply
            assert replies[message].text == "".join(f"word{n} " for n in range(8))
        left = {received.message for received in shop.store.unanswered()}
        assert left == {line.id for line in lines if line.role == "customer"} - replies.keys()
        assert len(left) <= 4

        assert shop.router.resume() == len(left)
        assert shop.store.unanswered() == ()
        assert shop.router.resume() == 0
        again = shop.ask(ASKED, conversation="c0", message="m-new")
        assert again.text


@pytest.mark.parametrize(("text", "language"), [(ASKED, "en"), (ASKED_ZH, "zh")])
def test_an_unfinished_turn_is_finished_calmly_in_its_language_and_asks_no_model(tmp_path: Path, text: str, language: str):
    model = FakeBackend()
    with desk(tmp_path, model, contact="help@shop.example") as shop:
        received = shop.store.receive(Request(text, "c1", "anna", "m1"))
        assert shop.router.resume() == 1
        answer = shop.ask(text, conversation="c1", message="m1")
        assert answer.text.startswith(texts("zh" if language == "zh" else "en").reply("failed"))
        assert answer.text.endswith("help@shop.example")
        assert (answer.interrupted, answer.reason, answer.abstained, answer.language) == (True, "tool_failure", False, language)
        assert answer.message == received.message
        assert model.asked == []
