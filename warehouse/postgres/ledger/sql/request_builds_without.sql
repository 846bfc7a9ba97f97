-- Days of which a current file was made without a lost file of this dataset's day are to be built again.
INSERT INTO day_builds AS build (day, requested, reason, requested_at)
SELECT DISTINCT
    made.day,
    1,
    %(reason)s,
    clock_timestamp()
FROM lake_files AS made
INNER JOIN lake_file_inputs AS gap USING (dataset, day, version)
WHERE gap.input = %(dataset)s AND gap.input_day = %(day)s AND gap.input_sha256 = ''
ORDER BY made.day
ON CONFLICT (day) DO UPDATE SET
    requested = build.requested + 1,
    reason = excluded.reason,
    requested_at = clock_timestamp()
