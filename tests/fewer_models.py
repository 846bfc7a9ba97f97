"""A catalog of some of the models, for tests of a day's life that are not about what all of them give."""

from dataclasses import replace

from dbt_like_sql.catalog import Catalog


def catalog_of(*names: str) -> Catalog:
    """What has no SELECT, these models and what they are made from; of their checks those that read nothing else."""
    catalog = Catalog.load()
    kept = {name for name, model in catalog.models.items() if model.kind != "sql"}
    kept = kept.union(names, *(catalog.upstream(name) for name in names))
    models = {
        name: replace(
            model,
            checks=tuple(check for check in model.checks if kept.issuperset(check.depends_on)),
            # What a release writes is made from whatever there is.
            depends_on=tuple(each for each in model.depends_on if each in kept),
        )
        for name, model in catalog.models.items()
        if name in kept
    }
    exposures = {name: each for name, each in catalog.exposures.items() if kept.issuperset(each.reads)}
    return replace(catalog, models=models, exposures=exposures)
