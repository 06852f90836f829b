"""What a call costs."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from mecum.kit.money import Micros
from mecum.kit.types import Tokens
from mecum.rooms.models import Usage
from mecum.rooms.models.prices import FREE, Prices
from mecum.rooms.models.pricing.amounts import KINDS

amounts = st.integers(0, 10**9)
prices = st.builds(Prices, *[amounts] * len(KINDS))
tokens = st.integers(0, 10**7)


def test_each_kind_of_token_has_its_price() -> None:
    listed = Prices(
        input=Micros(3_000_000),
        cached=Micros(300_000),
        cache_write=Micros(3_750_000),
        output=Micros(15_000_000),
        reasoning=Micros(15_000_000),
    )
    usage = Usage(Tokens(1000), Tokens(200), cached=Tokens(400), reasoning=Tokens(50), cache_write=Tokens(200))
    assert listed.cost(usage) == 400 * 3 + 400 * 3 // 10 + 200 * 375 // 100 + 200 * 15


def test_images_and_seconds_of_video_have_theirs() -> None:
    listed = Prices(image=Micros(40_000), second=Micros(100_000))
    assert listed.cost(Usage(Tokens(0), Tokens(0)), images=3, seconds=Fraction(5, 2)) == 370_000


def test_what_has_no_price_costs_nothing() -> None:
    assert FREE.cost(Usage(Tokens(10**9), Tokens(10**9))) == 0


@given(tokens, amounts)
def test_a_cost_is_rounded_once_and_halves_to_the_even_one(read: int, price: int) -> None:
    assert Prices(input=Micros(price)).cost(Usage(Tokens(read), Tokens(0))) == round(Fraction(read * price, 1_000_000))


@given(prices, tokens, tokens, tokens, tokens, tokens)
def test_no_call_costs_more_than_its_bound(
    listed: Prices, read: int, wrote: int, cached: int, kept: int, thought: int
) -> None:
    usage = Usage(
        Tokens(read), Tokens(wrote), cached=Tokens(cached), reasoning=Tokens(thought), cache_write=Tokens(kept)
    )
    assert 0 <= listed.cost(usage) <= listed.bound(read, wrote)
