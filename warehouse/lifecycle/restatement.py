"""Finds what a rebuilt day changed of what readers saw before, and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain

import duckdb
import psycopg

from dbt_like_sql.catalog import Catalog, Model
from warehouse.contract.partitions import Stream
from warehouse.lake.restated import FilePair, RestatedDevice, RestatedFiles
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.restatement_words import (
    boundaries_words,
    corrections_words,
    earlier_days_words,
    headline,
    mappings_words,
    models_words,
    readings_words,
    seeds_words,
    settings_words,
)
from warehouse.postgres.ledger.lake_files import LakeFile
from warehouse.postgres.ledger.restatements import (
    Restatement,
    changed_input_days,
    imported_since,
    model_digests,
    queued_since,
)

RESTATED_LAYERS = ("rollups", "marts")
"""Whose numbers are compared, beside how many readings there are. What lies above them says why they changed."""
WITHOUT_NUMBERS = frozenset({"loss_sources"})
"""What says of a day only from which files it was made."""
MOST_DEVICES = 20
"""Whose ids are kept of a restatement; of the others it is known how many they are."""
_EXPORTED = " was exported"


@dataclass(frozen=True)
class RestatementFinder:
    """Compares a day's current files with those of its newest release. Whoever calls holds the day."""

    connection: psycopg.Connection
    engine: duckdb.DuckDBPyConnection
    lake: Lake
    catalog: Catalog
    day: date

    def find(self, released: Iterable[LakeFile], current: Iterable[LakeFile]) -> Restatement | None:
        """What current files restate of released ones; ``None``: no number that readers saw is another one.

        A dataset that they did not see is no restatement, nor is one that holds the same in other bytes.
        """
        seen = {file.dataset: file for file in released}
        files = {file.dataset: FilePair(seen[file.dataset], file) for file in current if file.dataset in seen}
        pairs = RestatedFiles(self.engine, self.lake, self.day, files)
        sums = [restated for model in self._compared(pairs) for restated in pairs.sums(model)]
        if not sums:
            return None
        devices = pairs.devices()
        reason = "; ".join(self._reasons(pairs, devices, {each.dataset for each in sums}))
        return Restatement(
            reason=reason,
            summary=f"{reason}; {headline(sums)}",
            added_reading_count=sum(max(0, each.added_reading_count) for each in devices),
            device_count=len(devices),
            devices=[each.external_id for each in devices[:MOST_DEVICES]],
            sums=sums,
        )

    def _compared(self, pairs: RestatedFiles) -> Iterator[Model]:
        for model in self.catalog.in_order():
            is_compared = model.layer in RESTATED_LAYERS or model.name in set(Stream)
            is_told = model.kind != "release" and model.name not in WITHOUT_NUMBERS
            if is_compared and is_told and pairs.is_changed(model.name):
                yield model

    def _reasons(self, pairs: RestatedFiles, devices: list[RestatedDevice], restated: set[str]) -> list[str]:
        """All that the files and the ledger show; what these do not explain was queued, or somebody built it again."""
        in_files = list(self._reasons_in_files(pairs, devices))
        in_models = self._reasons_in_models(pairs, restated)
        found = [*in_files, *in_models]
        if not in_files and not restated.issubset(chain.from_iterable(in_models.values())):
            # What the build of before was queued for came in before it made its first rollup.
            since = min(pairs.pairs[name].before.published_at for name in restated)
            queued = queued_since(self.connection, self.day, since)
            if queued and not queued.endswith(_EXPORTED):
                found.insert(0, queued)
        return found or ["it was built again"]

    def _reasons_in_files(self, pairs: RestatedFiles, devices: list[RestatedDevice]) -> Iterator[str]:
        # Readings that count again, since a correction was taken back, did not come late.
        is_exported_anew = any(pairs.is_changed(stream) for stream in Stream)
        late = [each for each in devices if is_exported_anew and each.added_reading_count > 0]
        if added := sum(each.added_reading_count for each in late):
            imported = sum(self._imported(pairs, stream) for stream in Stream if pairs.is_changed(stream))
            yield readings_words(added, min(added, imported), [each.external_id for each in late], len(late))
        if corrected := pairs.changed_corrections():
            yield corrections_words(corrected)
        if set_otherwise := pairs.changed_settings():
            yield settings_words(set_otherwise)
        if mapped_otherwise := pairs.changed_mappings():
            yield mappings_words(mapped_otherwise)
        if begun_otherwise := pairs.changed_boundaries():
            yield boundaries_words(begun_otherwise)

    def _imported(self, pairs: RestatedFiles, stream: Stream) -> int:
        return imported_since(self.connection, stream, self.day, pairs.pairs[stream].before.published_at)

    def _reasons_in_models(self, pairs: RestatedFiles, restated: set[str]) -> dict[str, list[str]]:
        """Each with the models that it is about."""
        # Of what lies above the compared layers only the text is looked at: a seed, or what makes devices one list.
        above = {name for each in restated for name in self.catalog.upstream(each) if pairs.is_changed(name)}
        changed = [pairs.pairs[model.name] for model in self.catalog.in_order() if model.name in restated | above]
        both = [file for pair in changed for file in (pair.before, pair.after)]
        digests = model_digests(self.connection, self.day, both)

        def digest(file: LakeFile) -> str | None:
            return digests.get((file.dataset, file.version))

        rewritten = [
            pair.after.dataset
            for pair in changed
            if digest(pair.before) and digest(pair.after) and digest(pair.before) != digest(pair.after)
        ]
        looking_back: dict[tuple[date, ...], list[str]] = {}
        for pair in changed:
            if days := changed_input_days(self.connection, pair.before, pair.after):
                looking_back.setdefault(tuple(days), []).append(pair.after.dataset)
        seeds = [name for name in rewritten if self.catalog.models[name].is_seed]
        models = [name for name in rewritten if name not in seeds]
        found = {words(names): names for words, names in ((models_words, models), (seeds_words, seeds)) if names}
        # Another text of a model explains what is made from it too.
        of_texts = {reason: list(self.catalog.with_downstream(names)) for reason, names in found.items()}
        return of_texts | {earlier_days_words(models, days): models for days, models in looking_back.items()}
