"""Replies that go round in a circle: small models, and large ones now and then, say the same again and again until they are stopped.

What the newest tokens repeat is held back until it is known whether it is only alike for a while, as the lines of a list are, or the circle
is closed. So a reply that circles is cut to one copy, and nothing that was shown has to be taken back.
"""

from collections.abc import Sequence

PERIOD = 48  # the longest stretch, in tokens, that is looked for: some two sentences
AGAIN = 24  # tokens at least that a circle has repeated: more than any number, row of zeros or dashes, or "no, no, no" has
COPIES = 3  # of the stretch at least, the first among them; a list may say two things alike, and even a third for a while


def repeated(tokens: Sequence[int], period: int) -> int:
    """How many of the newest tokens are those that stand `period` places before them."""
    count = 0
    while count + period < len(tokens) and tokens[-1 - count] == tokens[-1 - count - period]:
        count += 1
    return count


def circle(tokens: Sequence[int]) -> int:
    """How many tokens at the end only repeat what stands right before them; 0 while the reply is not going round in a circle.

    It is, once the newest tokens are at least `COPIES` of one stretch of at most `PERIOD` tokens, `AGAIN` of them repeated.
    """
    counts = ((period, repeated(tokens, period)) for period in range(1, PERIOD + 1))
    return next((count for period, count in counts if count >= max(AGAIN, (COPIES - 1) * period)), 0)


class Circles:
    """The tokens of one reply as they come, let through when it is certain that they are said. closed: it goes round in a circle."""

    def __init__(self) -> None:
        self.closed = False
        self._tokens: list[int] = []
        self._said = 0

    def push(self, token: int) -> list[int]:
        """Take one token more; the ones that are certain now, oldest first. Nothing more comes of a closed circle."""
        if self.closed:
            return []
        self._tokens.append(token)
        again = circle(self._tokens)
        self.closed = again > 0
        return self._until(len(self._tokens) - (again or max(repeated(self._tokens, period) for period in range(1, PERIOD + 1))))

    def rest(self) -> list[int]:
        """What is still held back when the reply ends by itself; nothing of a circle."""
        return [] if self.closed else self._until(len(self._tokens))

    def _until(self, end: int) -> list[int]:
        begin, self._said = self._said, max(self._said, end)
        return self._tokens[begin : self._said]
