import threading
import time
from collections.abc import Iterator

import pytest

from bot.errors import BackendUnavailable
from bot.messages import Answer, Delta, Request
from tests.threads import Stepped
from ui.turns import Running, follow

REQUEST = Request("hello", "c", "me", "m")


def followed(router: "Pieces", cancel: threading.Event | None = None, **how: float) -> Stepped[str]:
    return Stepped(follow(router, REQUEST, cancel or threading.Event(), **how))


class Pieces:
    """Gives what it is made of; an exception among them is raised, a number is a pause in seconds."""

    def __init__(self, *pieces: str | float | Exception) -> None:
        self.pieces = pieces
        self.ended = threading.Event()

    def turn(self, request: Request, cancel: threading.Event | None = None) -> Iterator[Delta | Answer]:
        try:
            for piece in self.pieces:
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, str):
                    yield Delta(piece)
                elif cancel is not None and cancel.wait(piece):
                    return
            yield Answer("", "c", "m")
        finally:
            self.ended.set()


def test_pieces_are_gathered_by_time_and_none_is_lost():
    many = [f"{number} " for number in range(2000)]
    seen = list(followed(Pieces(*many, 0.2), every_s=0.05))
    assert seen[-1] == "".join(many)
    assert len(seen) < 40


def test_what_came_last_is_left_to_the_saved_reply():
    assert list(followed(Pieces("all ", "at ", "once"), every_s=5)) in ([], ["all "], ["all at "], ["all at once"])


def test_the_first_words_are_not_held_back():
    began = time.monotonic()
    assert next(followed(Pieces("first", 2.0), every_s=1)) == "first"
    assert time.monotonic() - began < 0.5


def test_a_silent_router_still_gives_signs_of_life():
    assert list(followed(Pieces(0.3, "at last"), alive_s=0.1))[:2] == ["", ""]


def test_an_error_comes_through():
    with pytest.raises(BackendUnavailable, match="down"):
        list(followed(Pieces("so ", BackendUnavailable("down"))))


def test_leaving_stops_the_turn_and_lets_it_end_by_itself():
    running, pieces = Running(), Pieces("words", 30.0)
    with running.turn("me") as cancel:
        assert next(followed(pieces, cancel)) == "words"
    assert pieces.ended.wait(2)


def test_only_ones_own_turns_are_stopped():
    running = Running()
    with running.turn("me") as mine, running.turn("me") as also_mine, running.turn("you") as yours:
        running.stop("me")
        running.stop("nobody")
        assert (mine.is_set(), also_mine.is_set(), yours.is_set()) == (True, True, False)
