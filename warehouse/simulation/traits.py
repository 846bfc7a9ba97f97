"""What chargers, their meters and vehicles are for good: models, losses, habits, sensors, registers.

Each trait is drawn by the device's own number, or by its site's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.simulation.clock import DAY_S
from warehouse.simulation.draws import Bools, Draws, Floats, Ints, What
from warehouse.simulation.layout import Layout
from warehouse.simulation.models import CHARGER_MODELS, SHARES_AT_DEPOTS, SHARES_AT_PAIRS, VEHICLE_MODELS

NO_VOLTAGE_SHARE = 0.05
NO_TEMPERATURE_SHARE = 0.10
INDOORS_SHARE = 0.25
HOME_SHARES = (0.5, 0.7, 0.9)
"""Of a depot: how often a vehicle charges where it usually does."""
RESOLUTIONS_MWH = np.array([1_000, 10_000, 100_000], dtype=np.int64)
"""Registers of 1, 10 and 100 Wh."""
METER_RESOLUTION_SHARES = (0.50, 0.35, 0.15)
REGISTER_RESOLUTION_SHARES = (0.30, 0.40, 0.30)
VEHICLE_SUBJECTS = 1_000_000
"""What is added to the number of a vehicle where a charger of that number draws the same."""


@dataclass(frozen=True, slots=True)
class Chargers:
    """One array element a charger."""

    number: Ints
    day_begins_s: Ints
    """How long before midnight UTC the days of its site begin."""
    model: Ints
    ac_kw: Floats
    phases: Ints
    is_dc: Bools
    loss_ratio: Floats
    electronics_kw: Floats
    standby_kw: Floats
    meter_gain: Floats
    """What the meter counts of a kWh: class B allows one percent."""
    resolution_mwh: Ints
    first_mwh: Ints
    site_volts: Floats
    has_voltage: Bools


@dataclass(frozen=True, slots=True)
class Vehicles:
    """One array element a vehicle."""

    number: Ints
    day_begins_s: Ints
    model: Ints
    capacity_kwh: Floats
    loss_ratio: Floats
    fixed_loss_kw: Floats
    cold_loss_kw: Floats
    max_ac_kw: Floats
    max_dc_kw: Floats
    noise_ratio: Floats
    """How far its sessions scatter: the scale of a heavy-tailed draw."""
    register_gain: Floats
    """What its own register counts of a kWh."""
    resolution_mwh: Ints
    first_mwh: Ints
    regeneration_ratio: Floats
    """What its register counts while it drives, as a share of what it uses."""
    soc_step_percent: Floats
    full_soc_percent: Floats
    usual_energy_kwh: Floats
    rest_share: Floats
    home_share: Floats
    site_kelvin: Floats
    indoors_ratio: Floats
    """How much of the outdoor cold comes in where it is parked."""
    has_temperature: Bools


def draw_chargers(draws: Draws, layout: Layout) -> Chargers:
    """The chargers of this seed."""
    number, site = np.arange(layout.chargers, dtype=np.int64), layout.charger_site
    at_depot = np.isin(site, layout.depot_sites)
    model = np.where(
        at_depot,
        draws.choice(SHARES_AT_DEPOTS, What.CHARGER_MODEL, site),
        draws.choice(SHARES_AT_PAIRS, What.CHARGER_MODEL, site),
    )

    def printed(name: str) -> Floats:
        return np.array([float(getattr(each, name)) for each in CHARGER_MODELS])[model]

    loss_ratio = printed("loss_ratio") * (1 + 0.20 * _bounded(draws, What.CHARGER_LOSS, number))
    return Chargers(
        number=number,
        day_begins_s=_day_begins_s(draws, site, at_depot),
        model=model,
        ac_kw=printed("ac_kw"),
        phases=printed("phases").astype(np.int64),
        is_dc=printed("is_dc") > 0,
        loss_ratio=loss_ratio,
        electronics_kw=printed("electronics_kw") * draws.between(0.8, 1.2, What.ELECTRONICS, number),
        standby_kw=printed("standby_kw") * draws.between(0.7, 1.4, What.STANDBY, number),
        meter_gain=1 + 0.004 * _bounded(draws, What.METER_GAIN, number),
        resolution_mwh=RESOLUTIONS_MWH[draws.choice(METER_RESOLUTION_SHARES, What.METER_RESOLUTION, number)],
        first_mwh=(1e6 * draws.log_between(300.0, 30_000.0, What.FIRST_REGISTER, number)).astype(np.int64),
        site_volts=draws.between(-3.0, 3.0, What.SITE_VOLTAGE, site),
        has_voltage=draws.unit(What.VOLTAGE_SENSOR, number) >= NO_VOLTAGE_SHARE,
    )


def draw_vehicles(draws: Draws, layout: Layout, home_shares: Sequence[float] = HOME_SHARES) -> Vehicles:
    """The vehicles of this seed."""
    number, site = np.arange(layout.vehicles, dtype=np.int64), layout.vehicle_site
    model = draws.choice([each.share for each in VEHICLE_MODELS], What.VEHICLE_MODEL, number)

    def printed(name: str) -> Floats:
        return np.array([float(getattr(each, name)) for each in VEHICLE_MODELS])[model]

    indoors_ratio = np.where(draws.unit(What.INDOORS, site) < INDOORS_SHARE, 0.5, 1.0)
    regenerates = draws.unit(What.COUNTS_REGENERATION, number)
    resolution = draws.choice(REGISTER_RESOLUTION_SHARES, What.REGISTER_RESOLUTION, number)
    return Vehicles(
        number=number,
        day_begins_s=_day_begins_s(draws, site, layout.in_depot),
        model=model,
        capacity_kwh=printed("capacity_kwh"),
        loss_ratio=printed("loss_ratio") + 0.004 * _bounded(draws, What.VEHICLE_LOSS, number),
        fixed_loss_kw=printed("fixed_loss_kw") * (1 + 0.08 * _bounded(draws, What.FIXED_LOSS, number)),
        cold_loss_kw=printed("cold_loss_kw") * draws.between(0.75, 1.25, What.COLD_LOSS, number),
        max_ac_kw=printed("max_ac_kw"),
        max_dc_kw=printed("max_dc_kw"),
        noise_ratio=draws.log_between(0.003, 0.009, What.NOISE_SIZE, number),
        register_gain=1 + 0.008 * _bounded(draws, What.REGISTER_GAIN, number),
        resolution_mwh=RESOLUTIONS_MWH[resolution],
        first_mwh=(1e6 * draws.log_between(300.0, 30_000.0, What.FIRST_REGISTER, number + VEHICLE_SUBJECTS)).astype(
            np.int64
        ),
        regeneration_ratio=np.where(regenerates < 0.3, 0.08 + 0.3 * regenerates, 0.0),
        soc_step_percent=printed("soc_step_percent"),
        full_soc_percent=np.array([80.0, 90.0, 100.0])[draws.choice((0.5, 0.3, 0.2), What.FULL_SOC, number)],
        usual_energy_kwh=draws.between(7.0, 22.0, What.USUAL_ENERGY, number),
        rest_share=draws.between(0.10, 0.45, What.REST_SHARE, number),
        home_share=np.array(home_shares)[draws.choice([1] * len(home_shares), What.HOME_SHARE, site)],
        site_kelvin=draws.between(-2.5, 2.5, What.SITE_CLIMATE, site),
        indoors_ratio=indoors_ratio * printed("soak_ratio"),
        has_temperature=draws.unit(What.TEMPERATURE_SENSOR, number) >= NO_TEMPERATURE_SHARE,
    )


def _day_begins_s(draws: Draws, site: Ints, at_depot: Bools) -> Ints:
    # Two neighbouring pairs live by the same days: their mappings may be swapped.
    shared = np.where(at_depot, site, site // 2 * 2)
    return (draws.unit(What.DAY_BEGINS, shared) * DAY_S).astype(np.int64)


def _bounded(draws: Draws, what: What, number: Ints) -> Floats:
    """Normal draws, none beyond two and a half."""
    return np.clip(draws.normal(what, number), -2.5, 2.5)
