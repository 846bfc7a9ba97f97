"""What can go wrong in the product's own terms. Each class's docstring is the title a user sees; the edge maps them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from warehouse.contract.redaction import redacted


class FleetwattError(Exception):
    """Something went wrong"""

    code: ClassVar[str] = "internal_error"

    @property
    def title(self) -> str:
        """The first line of the class's docstring."""
        return (type(self).__doc__ or "").strip().splitlines()[0]

    @property
    def detail(self) -> str:
        """What happened to whom, and what to do."""
        return redacted(str(self.args[0])) if self.args else self.title

    def __str__(self) -> str:
        """As it is said: the detail."""
        return self.detail


class DatabaseUnavailableError(FleetwattError):
    """The database cannot be reached"""

    code = "database_unavailable"


class DatabaseUnfitError(DatabaseUnavailableError):
    """The database cannot be used as it is set up"""

    code = "database_unfit"


class PartitionMissingError(FleetwattError):
    """There is no partition for this time"""

    code = "partition_missing"


class SchemaOutdatedError(FleetwattError):
    """The database's schema is not the one this version needs"""

    code = "schema_outdated"


class VehicleNotFoundError(FleetwattError):
    """Unknown vehicle"""

    code = "vehicle_not_found"


class MeterNotFoundError(FleetwattError):
    """Unknown meter"""

    code = "meter_not_found"


class DeviceNotKnownError(FleetwattError):
    """There is no such device"""

    code = "device_not_known"


class NothingToCorrectError(FleetwattError):
    """There is no reading to correct"""

    code = "nothing_to_correct"


class VehicleNotMappedError(FleetwattError):
    """The vehicle has no meter"""

    code = "vehicle_not_mapped"


class MappingNotFoundError(FleetwattError):
    """Unknown mapping"""

    code = "mapping_not_found"


class MappingOverlapError(FleetwattError):
    """The mapping overlaps another one of this vehicle"""

    code = "mapping_overlap"


class WindowNotRetainedError(FleetwattError):
    """The window touches a day that is no longer kept here"""

    code = "window_not_retained"


class TooManyDevicesError(FleetwattError):
    """No more devices are registered"""

    code = "too_many_devices"


class FindingNotFoundError(FleetwattError):
    """Unknown finding"""

    code = "finding_not_found"


class FindingChangedError(FleetwattError):
    """Somebody was quicker, or the finding is not in a state for that"""

    code = "finding_changed"

    def __init__(self, detail: str, finding: Mapping[str, Any]) -> None:
        """``finding``: as it is now."""
        super().__init__(detail)
        self.finding = finding


class InvalidRequestError(FleetwattError):
    """The request cannot be understood"""

    code = "invalid_request"


class TooLargeError(FleetwattError):
    """More than one request may hold"""

    code = "too_large"


class OverloadedError(FleetwattError):
    """More is waiting to be stored than can be stored in time"""

    code = "overloaded"


class TooSlowError(FleetwattError):
    """The answer takes too long"""

    code = "too_slow"


class BodyLostError(FleetwattError):
    """The body of the request did not arrive"""

    code = "body_lost"


class RateLimitedError(FleetwattError):
    """This client sends more than it may"""

    code = "rate_limited"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class TokenMissingError(FleetwattError):
    """Nobody knows who asks"""

    code = "token_missing"


class TokenInvalidError(FleetwattError):
    """This token opens nothing"""

    code = "token_invalid"


class ScopeMissingError(FleetwattError):
    """This token may not do that"""

    code = "scope_missing"


class TokensNotServedError(FleetwattError):
    """Here tokens are made by the command line alone"""

    code = "tokens_not_served"


class TokenNotFoundError(FleetwattError):
    """Unknown token"""

    code = "token_not_found"


class UserNotFoundError(FleetwattError):
    """Unknown user"""

    code = "user_not_found"


class UserExistsError(FleetwattError):
    """There is a user of this name"""

    code = "user_exists"


class LastAdministratorError(FleetwattError):
    """Nobody would be an administrator any more"""

    code = "last_administrator"


class SignInFailedError(FleetwattError):
    """Name and password do not go together"""

    code = "sign_in_failed"


class ProviderUnavailableError(FleetwattError):
    """The identity provider cannot be asked"""

    code = "provider_unavailable"


class ProviderRefusedError(FleetwattError):
    """This sign-in did not come to its end"""

    code = "provider_refused"


class NoRoleError(FleetwattError):
    """There is no role for you here"""

    code = "no_role"


class ForeignPageError(FleetwattError):
    """This change did not come from a page of ours"""

    code = "foreign_page"


class DagsterUnavailableError(FleetwattError):
    """Dagster cannot be reached"""

    code = "dagster_unavailable"


class DagsterTooSlowError(FleetwattError):
    """Dagster does not answer in time"""

    code = "dagster_too_slow"


class DagsterBrokenError(FleetwattError):
    """Dagster gave no answer that can be read"""

    code = "dagster_broken"


class HomeError(FleetwattError):
    """The home folder cannot be used"""

    code = "home_unusable"


class ServerStartError(FleetwattError):
    """PostgreSQL did not start"""

    code = "postgres_not_started"
