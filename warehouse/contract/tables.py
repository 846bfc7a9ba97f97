"""The two kinds of device and what each is called in PostgreSQL."""

from enum import StrEnum

from warehouse.contract.partitions import Stream


class DeviceKind(StrEnum):
    """A meter counts the AC energy that is paid for, a vehicle the DC energy that reached its battery."""

    METER = "meter"
    VEHICLE = "vehicle"

    @property
    def devices(self) -> str:
        """The device table: external id, surrogate id, settings."""
        return f"{self}s"

    @property
    def device_id(self) -> str:
        """The column of the surrogate id, in every table."""
        return f"{self}_id"

    @property
    def latest(self) -> str:
        """The hot table: one row a device."""
        return f"{self}_latest"

    @property
    def readings(self) -> Stream:
        """The history."""
        return Stream.METER_READINGS if self is DeviceKind.METER else Stream.VEHICLE_READINGS

    @property
    def counting_readings(self) -> str:
        """The view of the history as it counts once it is corrected; dearer to read than the history itself."""
        return f"corrected_{self.readings}"
