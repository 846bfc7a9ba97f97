"""What becomes of scores from day to day: a finding is suspected, opens, stays open, closes, and may come back.

A fold: the findings of a day are a function of those of the day before, the day's scores, and what people accepted.
"""

from datetime import date, timedelta
from uuid import UUID, uuid5

import polars as pl

from warehouse.losses.sample import PAIR
from warehouse.losses.schemas import ACCEPTED, FROZEN, LOSS_FINDINGS
from warehouse.losses.settings import SETTINGS, LossSettings
from warehouse.losses.thresholds import UNLABELLED, with_thresholds

RULE = "excess_loss"
FINDINGS = UUID("0f6f7c52-5d0e-4b0a-9c53-0d8a8f3b7f11")
"""The namespace of their ids."""
KNOWN_WITHIN = timedelta(days=2)
"""A session is of the day on which it was known to have ended: at the latest so long after its end, since nobody is
waited for longer than 36 hours."""
AS_BEFORE, NOT_SEEN = "as_before", "not_seen"
"""Why a finding closed: its sessions are as before, or there are none any more."""
_STAYS = ("finding_id", "opened_on", "opened_shift_ratio", "onset_from", "onset_at", "onset_until", *FROZEN.names())
"""What stays as it was when a finding opened."""


def findings_of_day(
    scores: pl.DataFrame,
    before: pl.DataFrame,
    accepted: pl.DataFrame,
    day: date,
    settings: LossSettings = SETTINGS,
    models: pl.DataFrame = UNLABELLED,
) -> pl.DataFrame:
    """``LOSS_FINDINGS`` of a day, from its ``CHARGER_SCORES`` and the findings of the day before.

    ``accepted``: rows of ``ACCEPTED``; ``models``: ``CHARGER_MODELS``, whose thresholds may be other ones. A pair has
    one finding that is suspected or open. Without a session for ``unseen_days`` it closes as not seen any more, and a
    suspicion is dropped. One that closed is remembered as long as its sessions are looked back on; found again within
    ``same_finding_days`` it is the same one.
    """
    remembered = before.filter(_is_remembered(day, settings))
    limited = with_thresholds(scores, models, settings)
    # One session, far off to the other side, can leave nothing lost: it is clipped in z, and here it is not.
    is_suspected = (pl.col("z") > pl.col("suspected_z")) & (pl.col("points") > 0)
    told = limited.filter(pl.col("is_followed") | is_suspected)
    current = told.join(_same(remembered, day, settings), on=PAIR, how="left", maintain_order="left", suffix="_before")
    restated = _with_figures(_with_state(current), day, settings)
    is_replaced = pl.col("finding_id").is_in(restated["finding_id"].implode())
    is_quiet = (pl.col("state") == "suspected") & pl.col("is_scored").fill_null(value=False)
    kept = (
        remembered.join(scores.select(*PAIR, is_scored=True), on=PAIR, how="left", maintain_order="left")
        .filter(~is_replaced, ~is_quiet)
        .select(LOSS_FINDINGS.names())
    )
    current_ones = _accepted(pl.concat([restated, kept]), accepted, day)
    return current_ones.with_columns(_closed_if_unseen(day, settings)).sort(*PAIR, "opened_on")


def _is_remembered(day: date, settings: LossSettings) -> pl.Expr:
    """An open finding; a suspicion of which there was a session lately; of others, those that are looked back on."""
    ended = pl.when(pl.col("state") == "accepted").then("onset_at").otherwise("excluded_until").dt.date()
    is_looked_back_on = ended > day - timedelta(days=settings.history_days) - KNOWN_WITHIN
    return (
        pl.when(pl.col("state") == "suspected")
        .then(~_is_unseen(day, settings))
        .otherwise((pl.col("state") == "open") | is_looked_back_on)
    )


def _is_unseen(day: date, settings: LossSettings) -> pl.Expr:
    return pl.col("last_ended_at").dt.date() <= day - timedelta(days=settings.unseen_days)


def _closed_if_unseen(day: date, settings: LossSettings) -> list[pl.Expr]:
    """The columns of open findings of whose pairs no session could be compared for so long."""
    closed = {
        "state": pl.lit("closed"),
        "closed_on": pl.lit(day),
        "why_closed": pl.lit(NOT_SEEN),
        "excluded_until": pl.col("last_ended_at") + timedelta(microseconds=1),  # no session came after it
    }
    is_closed = (pl.col("state") == "open") & _is_unseen(day, settings)
    return [pl.when(is_closed).then(value).otherwise(name).alias(name) for name, value in closed.items()]


def _same(findings: pl.DataFrame, day: date, settings: LossSettings) -> pl.DataFrame:
    """The finding of each pair that a new score is of: the one at hand, or the last that closed lately."""
    is_recent = pl.col("closed_on") >= day - timedelta(days=settings.same_finding_days)
    is_same = pl.col("state").is_in(["suspected", "open"]) | ((pl.col("state") == "closed") & is_recent)
    return findings.filter(is_same).sort("opened_on").unique(PAIR, keep="last", maintain_order=True)


def _with_state(current: pl.DataFrame) -> pl.DataFrame:
    # A session closes it: on days without one the last seven are those with which it may just have come back.
    is_as_before = pl.col("recent_shift_ratio") < pl.col("close_share") * pl.col("opened_shift_ratio")
    is_closed = is_as_before & (pl.col("last_ended_at") != pl.col("last_ended_at_before"))
    is_open = (pl.col("z") > pl.col("open_z")) & (pl.col("points") > pl.col("open_points"))
    state = (
        pl.when("is_followed")
        .then(pl.when(is_closed.fill_null(value=False)).then(pl.lit("closed")).otherwise(pl.lit("open")))
        .when(is_open)
        .then(pl.lit("open"))
        .otherwise(pl.lit("suspected"))
    )
    # What closed lately and is but suspected again stays closed.
    is_same = (pl.col("was") == "open") | ((pl.col("was") == "closed") & (pl.col("now") == "open"))
    return (
        current.rename({"state": "was"})
        .with_columns(now=state)
        .with_columns(is_same=is_same.fill_null(value=False))
        .filter((pl.col("was").is_null()) | (pl.col("was") != "closed") | (pl.col("now") == "open"))
    )


def _with_figures(current: pl.DataFrame, day: date, settings: LossSettings) -> pl.DataFrame:
    fresh = {
        "finding_id": pl.lit(None, pl.String),
        "opened_on": pl.lit(day),
        "opened_shift_ratio": pl.col("shift_ratio"),
    }

    def as_opened(name: str) -> pl.Expr:
        earlier = name if name in ("finding_id", "opened_on", "opened_shift_ratio") else f"{name}_before"
        return pl.when("is_same").then(earlier).otherwise(fresh.get(name, pl.col(name))).alias(name)

    is_closed = pl.col("now") == "closed"
    figures = current.with_columns(
        *(as_opened(name) for name in _STAYS),
        rule=pl.lit(RULE),
        rule_version=pl.lit(settings.version),
        state="now",
        closed_on=pl.when(is_closed).then(pl.lit(day)),
        why_closed=pl.when(is_closed).then(pl.lit(AS_BEFORE)),
        excluded_until=pl.when(is_closed).then("recent_from"),
    )
    return (
        figures.with_columns(
            finding_id=pl.coalesce(
                "finding_id", pl.struct(*PAIR, "opened_on").map_elements(_id, return_dtype=pl.String)
            )
        )
        .select(LOSS_FINDINGS.names())
        .cast(LOSS_FINDINGS)
    )


def _id(key: dict[str, int | date]) -> str:
    return str(uuid5(FINDINGS, "/".join([RULE, *(str(each) for each in key.values())])))


def _accepted(findings: pl.DataFrame, accepted: pl.DataFrame, day: date) -> pl.DataFrame:
    """What a person called normal, up to this day, since it opened."""
    events = accepted.cast(ACCEPTED).filter(pl.col("accepted_on") <= day)
    last = events.group_by(PAIR).agg(pl.col("accepted_on").max())
    is_accepted = ((pl.col("state") == "open") & (pl.col("accepted_on") >= pl.col("opened_on"))).fill_null(value=False)
    return (
        findings.join(last, on=PAIR, how="left", maintain_order="left")
        .with_columns(
            state=pl.when(is_accepted).then(pl.lit("accepted")).otherwise("state"),
            closed_on=pl.when(is_accepted).then("accepted_on").otherwise("closed_on"),
        )
        .select(LOSS_FINDINGS.names())
    )
