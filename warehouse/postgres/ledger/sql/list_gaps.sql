-- The lost files without which current files were made.
SELECT
    gap.input AS dataset,
    gap.input_day AS day,
    count(DISTINCT gap.day) AS made_day_count,
    min(gap.day) AS first_made_day
FROM lake_files
INNER JOIN lake_file_inputs AS gap USING (dataset, day, version)
WHERE gap.input_sha256 = ''
GROUP BY gap.input, gap.input_day
ORDER BY gap.input_day, gap.input
