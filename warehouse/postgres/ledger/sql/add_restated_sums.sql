INSERT INTO lake_restated_sums (day, release, dataset, version, measure, old_sum, new_sum, changed_row_count)
SELECT
    %(day)s,
    %(release)s,
    changed.dataset,
    changed.version,
    changed.measure,
    changed.old_sum,
    changed.new_sum,
    changed.changed_row_count
FROM unnest(
    %(datasets)s::text[],
    %(versions)s::integer[],
    %(measures)s::text[],
    %(old_sums)s::double precision[],
    %(new_sums)s::double precision[],
    %(changed_row_counts)s::bigint[]
) AS changed (dataset, version, measure, old_sum, new_sum, changed_row_count)
ON CONFLICT (day, release, dataset, measure) DO UPDATE SET
    version = excluded.version,
    old_sum = excluded.old_sum,
    new_sum = excluded.new_sum,
    changed_row_count = excluded.changed_row_count
