SELECT
    restatement.release,
    changed.dataset,
    changed.measure,
    changed.version,
    restatement.published_at,
    restatement.reason,
    changed.old_sum,
    changed.new_sum,
    changed.changed_row_count,
    restatement.added_reading_count,
    restatement.device_count,
    restatement.devices
FROM lake_restatements AS restatement
INNER JOIN lake_restated_sums AS changed USING (day, release)
WHERE restatement.day = %(day)s
ORDER BY restatement.release, changed.dataset COLLATE "C", changed.measure COLLATE "C"
