"""Days of losses as the daily pipeline makes them: from those before, and again as long as anything changes."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.schemas import DATA_FAULTS
from warehouse.losses.charger_scores import Known
from warehouse.losses.loss_day import Losses, LossInputs, lookback_days, losses_of_day
from warehouse.losses.loss_files import OF_FAULTS
from warehouse.losses.sample import SAMPLE
from warehouse.losses.schemas import ACCEPTED, COMMON_MODES, FIRST_DAY_VERDICTS, FLEET_FITS, LOSS_FINDINGS
from warehouse.sessions.schemas import CHARGING_SESSIONS

FAULTS = pl.Schema({name: DATA_FAULTS[name] for name in OF_FAULTS})
DEVICES = 100


def sessions_of(rows: pl.DataFrame) -> dict[date, pl.DataFrame]:
    """``charging_sessions`` by day, of a sample that was made up."""
    whole = rows.with_columns(
        kind=pl.lit("charge"),
        is_qualified=pl.lit(value=True),
        ac_hours=pl.col("hours_per_kwh") * pl.col("dc_kwh"),
        mean_battery_temp_celsius="battery_celsius",
        started_at=pl.col("ended_at") - pl.duration(hours=3),
    )
    others = {name: dtype for name, dtype in CHARGING_SESSIONS.items() if name not in whole.columns}
    whole = whole.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in others.items())
    sessions = whole.select(*CHARGING_SESSIONS.names(), "day")
    return {day: of_day.drop("day") for (day,), of_day in sessions.partition_by("day", as_dict=True).items()}


class MadeDays:
    """What the lake has of losses; a day is there once it was made."""

    def __init__(self, sessions: dict[date, pl.DataFrame], faults: dict[date, pl.DataFrame] | None = None) -> None:
        self.sessions = dict(sessions)
        self.faults = dict(faults or {})
        self.made: dict[date, Losses] = {}
        self._sources: dict[date, dict[tuple[str, date], Any]] = {}

    def make(self, days: Iterable[date]) -> list[date]:
        """Make these days in this order, and then, oldest first, what goes on from something else now; returns all."""
        made, queued = [], set[date]()
        for day in days:
            made.append(day)
            queued.discard(day)
            queued.update(self._make(day))
        while queued:
            day = min(queued)
            made.append(day)
            queued.remove(day)
            queued.update(self._make(day))
        return made

    def findings(self, day: date) -> pl.DataFrame:
        """Of a day that was made."""
        return self.made[day].loss_findings

    def states(self) -> dict[date, list[str]]:
        """Of the findings of each day, in order of time."""
        return {day: self.findings(day).sort("opened_on")["state"].to_list() for day in sorted(self.made)}

    def _make(self, day: date) -> list[date]:
        """The later day that is to be made again."""
        known = self.made.get(day)
        sources = self._sources.get(day)
        self._sources[day] = self._read_by(day)
        self.made[day] = losses_of_day(self._inputs(day), day)
        later = min((each for each in self.made if each > day), default=None)
        is_same = known is not None and sources == self._sources[day] and _carries_same(known, self.made[day])
        return [] if later is None or is_same else [later]

    def _earlier(self, day: date) -> list[date]:
        since = day - timedelta(days=lookback_days())
        return [each for each in sorted(self.made) if since <= each < day]

    def _read_by(self, day: date) -> dict[tuple[str, date], Any]:
        read = {
            (name, each): getattr(self.made[each], name)
            for each in self._earlier(day)
            for name in ("loss_samples", "common_modes")
        }
        faults = {("data_faults", each): self._faults(each) for each in (*self._earlier(day), day)}
        return {key: frame.rows() for key, frame in {**read, **faults}.items() if frame.height}

    def _faults(self, day: date) -> pl.DataFrame:
        return self.faults.get(day, pl.DataFrame(schema=FAULTS)).select(FAULTS.names())

    def _inputs(self, day: date) -> LossInputs:
        earlier = self._earlier(day)
        before = self.made[earlier[-1]] if earlier else None

        def of_days(name: str, columns: Iterable[str], schema: pl.Schema) -> pl.DataFrame:
            frames: list[pl.DataFrame] = [
                getattr(self.made[each], name).with_columns(day=pl.lit(each)) for each in earlier
            ]
            frames.insert(0, pl.DataFrame(schema=schema))
            return pl.concat([each.select(columns) for each in frames])

        ids = pl.Series(range(DEVICES), dtype=pl.Int32)
        devices = pl.DataFrame({"device_id": ids}).with_columns(
            resolution_kwh=0.001, expected_interval_s=pl.lit(60, pl.Int32), model=pl.lit(None, pl.String)
        )
        faults = [self._faults(each).with_columns(day=pl.lit(each)) for each in (*earlier, day)]
        return LossInputs(
            self.sessions.get(day, pl.DataFrame(schema=CHARGING_SESSIONS)),
            dict.fromkeys(DeviceKind, devices),
            of_days("loss_samples", SAMPLE.names(), SAMPLE).lazy(),
            pl.concat(faults),
            Known(
                before.loss_findings if before else pl.DataFrame(schema=LOSS_FINDINGS),
                of_days("common_modes", COMMON_MODES.names(), COMMON_MODES),
            ),
            before.fleet_fits if before else pl.DataFrame(schema=FLEET_FITS),
            before.first_day_verdicts if before else pl.DataFrame(schema=FIRST_DAY_VERDICTS),
            pl.DataFrame(schema=ACCEPTED),
        )


def _carries_same(one: Losses, other: Losses) -> bool:
    frames = zip(one._asdict().items(), other, strict=True)
    return all(name == "charger_scores" or frame.equals(its) for (name, frame), its in frames)
