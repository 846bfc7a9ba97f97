"""Where settings are read from, with two differences from pydantic's own way, both about secrets.

An empty variable counts as not set (Compose and ``.env`` files are full of them), unless it is a secret's: that one is
kept, and refused. And a secret's file that is there and cannot be taken is an error, not a warning.
"""

import warnings
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource

from warehouse.secrets import SECRET_SETTINGS


class WithoutEmptyValues(PydanticBaseSettingsSource):
    """Another source without its empty values, those of secrets apart."""

    def __init__(self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._source = source

    def __call__(self) -> dict[str, Any]:
        """The values by the names of their fields."""
        return {name: value for name, value in self._source().items() if value != "" or name in SECRET_SETTINGS}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """As the source says."""
        return self._source.get_field_value(field, field_name)


class SecretFiles(SecretsSettingsSource):
    """A folder of files, each named like its variable. A folder of that name, or a link to elsewhere, is an error."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """What the field's file holds."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return super().get_field_value(field, field_name)
