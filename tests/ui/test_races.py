"""Several backends asked at once: the fast one is not held up by the slow one."""

from threading import Event
from typing import Any

from ui.races import Races


def test_the_fast_answer_is_there_while_the_slow_one_still_works():
    races, slow = Races(), Event()

    def answering(name: str) -> dict[str, Any]:
        if name == "slow":
            assert slow.wait(10)
        if name == "broken":
            raise RuntimeError("no such luck")
        return {"answer": f"{name} says"}

    races.begin("lea", ["slow", "fast"], answering)
    assert races.wait("lea", 0, 10) == [{"asked": "slow"}, {"asked": "fast", "answer": "fast says"}]
    assert races.wait("lea", 1, 0.05)[0] == {"asked": "slow"}  # a look that waited in vain
    slow.set()
    assert races.wait("lea", 1, 10)[0] == {"asked": "slow", "answer": "slow says"}
    assert races.wait("lea", 9, 0.01)[0]["answer"] == "slow says"
    races.begin("lea", ["broken"], answering)
    assert "no such luck" in races.wait("lea", 0, 10)[0]["failed"]
    assert races.wait("nobody", 0, 0.01) == []
