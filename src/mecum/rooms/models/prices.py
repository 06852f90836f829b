"""What a call costs: prices per million tokens, per image and per second of video, as integers. Pure.

Prices are micro-units of the installation's one currency. A sum is rounded once, at its end: half a micro-unit to the
even one, so that many small calls add up to what their tokens cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from mecum.kit.money import Micros
from mecum.rooms.models import Usage

PER = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """What one model costs, in micro-units: of a million tokens, of an image, of a second of video.

    Args:
        cached: of input that the provider had kept; part of the input, as is `cache_write`: what it keeps from then on.
        reasoning: of what was thought and not said; part of the output.
    """

    input: Micros = Micros(0)
    cached: Micros = Micros(0)
    cache_write: Micros = Micros(0)
    output: Micros = Micros(0)
    reasoning: Micros = Micros(0)
    image: Micros = Micros(0)
    second: Micros = Micros(0)

    def cost(self, usage: Usage, *, images: int = 0, seconds: Fraction | int = 0) -> Micros:
        """What `usage` costs, with so many images and seconds of video made."""
        cached, reasoning = min(usage.cached, usage.input), min(usage.reasoning, usage.output)
        kept = min(usage.cache_write, usage.input - cached)
        tokens = (
            (usage.input - cached - kept) * self.input
            + cached * self.cached
            + kept * self.cache_write
            + (usage.output - reasoning) * self.output
            + reasoning * self.reasoning
        )
        if not images and not seconds:
            return _rounded(tokens)
        return Micros(round(Fraction(tokens, PER) + images * self.image + seconds * self.second))

    def bound(self, input_tokens: int, output_tokens: int) -> Micros:
        """The most that a call can cost which reads and writes so much."""
        read, written = max(self.input, self.cached, self.cache_write), max(self.output, self.reasoning)
        return _rounded(input_tokens * read + output_tokens * written)


def _rounded(millionths: int) -> Micros:
    """`millionths` of a micro-unit as micro-units, halves to the even one: `round(Fraction(millionths, PER))`, which
    takes ten times as long, and every call asks several times.
    """
    whole, rest = divmod(millionths, PER)
    return Micros(whole + (2 * rest > PER or (2 * rest == PER and whole % 2 == 1)))


FREE = Prices()
