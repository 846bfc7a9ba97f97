"""The text that an asset is made by. Dagster's UI links it, to be opened in the reader's editor."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from dbt_like_sql.catalog import FOLDER, Exposure, Model


def code_of_model(model: Model) -> Mapping[str, dg.CodeReferencesMetadataValue]:
    """Metadata: a dataset's SQL, or the declaration of what no SQL of ours makes."""
    return _reference(FOLDER.parent / model.path, "SQL" if model.sql else "declaration")


def code_of_exposure(exposure: Exposure) -> Mapping[str, dg.CodeReferencesMetadataValue]:
    """Metadata: its declaration. Its own code may lie anywhere."""
    return _reference(FOLDER.parent / exposure.path, "declaration")


def code_of_module(path: str) -> Mapping[str, dg.CodeReferencesMetadataValue]:
    """Metadata: the module that makes an asset, by its ``__file__``."""
    return _reference(Path(path), "Python")


def _reference(path: Path, label: str) -> dict[str, dg.CodeReferencesMetadataValue]:
    with warnings.catch_warnings():
        # Dagster 1.13 warns that these classes are in beta. Its UI needs them, and nothing of ours breaks without them.
        warnings.simplefilter("ignore", dg.BetaWarning)
        reference = dg.LocalFileCodeReference(file_path=str(path), label=label)
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}
