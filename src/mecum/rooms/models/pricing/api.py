"""`/api` routes of price lists: parse, call, render."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field, StringConstraints

from mecum.kit.errors import BadRequest
from mecum.kit.http import Operator
from mecum.kit.ids import decode
from mecum.rooms.models.bodies import LIMIT, Body, Cursor, Limit, problems
from mecum.rooms.models.out import page_out
from mecum.rooms.models.pricing.amounts import AMOUNT_CHARS_MAX, prices_of
from mecum.rooms.models.pricing.lists import PriceLists
from mecum.rooms.models.pricing.out import change_out, price_out, priced_out

FILE_CHARS_MAX = 4_000_000

FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}, "application/json": {}}}}

Amount = Annotated[str, StringConstraints(max_length=AMOUNT_CHARS_MAX)]
Format = Literal["json", "csv"]
VersionCursor = Annotated[str | None, Query(max_length=60, description="`next` of the page before.")]


class PricesBody(Body):
    """Decimal amounts: per million tokens, per image, per second of video. `cached` and `cache_write` absent cost as
    `input`, `reasoning` as `output`, anything else nothing. `since` absent: from now on."""

    input: Amount
    output: Amount
    cached: Amount | None = None
    cache_write: Amount | None = None
    reasoning: Amount | None = None
    image: Amount | None = None
    second: Amount | None = None
    since: AwareDatetime | None = None

    def stated(self) -> dict[str, str | None]:
        return self.model_dump(exclude={"since"})


class PriceFileBody(Body):
    """`apply` false only says what would change."""

    format: Format
    text: Annotated[str, Field(max_length=FILE_CHARS_MAX)]
    since: AwareDatetime | None = None
    apply: bool = False


def build_price_router(lists: PriceLists) -> APIRouter:
    router = APIRouter()

    @router.get("/api/prices", responses=problems(401, 403))
    async def list_prices(caller: Operator, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
        """Every connected model with the price that holds now, and the next one that is coming."""
        page = page_out([priced_out(each) for each in await lists.all()], cursor, limit)
        return {"currency": lists.currency, **page}

    @router.get("/api/models/{model}/prices", responses=problems(401, 403))
    async def list_versions(
        caller: Operator, model: str, cursor: VersionCursor = None, limit: Limit = LIMIT
    ) -> dict[str, Any]:
        """All versions of a model's prices, the latest first."""
        found = await lists.versions(decode("mdl", model), _before(cursor), limit + 1)
        shown = found[:limit]
        after = f"{shown[-1].since.isoformat()}~{shown[-1].id.hex}" if len(found) > limit else None
        return {"currency": lists.currency, "items": [price_out(row) for row in shown], "next": after}

    @router.post("/api/models/{model}/prices", status_code=201, responses=problems(401, 403, 404, 413, 422))
    async def state_prices(caller: Operator, model: str, body: PricesBody) -> dict[str, Any]:
        """State what a model costs, from now or from a moment on. What was stated before stays as it is."""
        return price_out(await lists.state(caller, decode("mdl", model), prices_of(body.stated()), body.since))

    @router.get("/api/prices/file", responses=problems(401, 403) | FILE)
    async def export_prices(caller: Operator, format: Format = "csv") -> Response:  # noqa: A002 - the query's name
        """The prices that hold now as a file, one line per model."""
        kind = "application/json" if format == "json" else "text/csv; charset=utf-8"
        named = {"content-disposition": f'attachment; filename="mecum-prices.{format}"'}
        return Response(await lists.export(format), media_type=kind, headers=named)

    @router.post("/api/prices/file", responses=problems(401, 403, 413, 422))
    async def import_prices(caller: Operator, body: PriceFileBody) -> dict[str, Any]:
        """What a price file changes, and with `apply` it does."""
        if body.apply:
            changes = await lists.bring_in(caller, body.text, body.format, body.since)
        else:
            changes = await lists.compared(body.text, body.format)
        shown = [change_out(each) for each in changes]
        return {"currency": lists.currency, "applied": body.apply, "changes": shown}

    @router.get("/api/prices/{price}", responses=problems(401, 403, 404))
    async def read_price(caller: Operator, price: str) -> dict[str, Any]:
        """One version, as a record of use names it."""
        return price_out(await lists.version(decode("prc", price)))

    @router.delete("/api/prices/{price}", status_code=204, responses=problems(401, 403, 404, 409))
    async def withdraw_price(caller: Operator, price: str) -> None:
        """Take back a version that does not hold yet."""
        await lists.withdraw(caller, decode("prc", price))

    return router


def _before(cursor: str | None) -> tuple[dt.datetime, Any] | None:
    if cursor is None:
        return None
    at, _, digits = cursor.partition("~")
    try:
        moment = dt.datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequest("models.cursor_malformed", "This cursor is not one of ours.", "Begin without a cursor.")
    return moment, decode("prc", f"prc_{digits}")
