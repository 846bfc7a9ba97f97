-- Days that a model looks back from, of which an earlier one is not as it was when the model read it. `state` names what
-- it would read now, so that it changes whenever that does. Of an earlier day it reads what readers see of it.
WITH newest_releases AS (
    SELECT DISTINCT ON (day)
        day,
        release
    FROM lake_releases
    ORDER BY day ASC, release DESC
),

seen_files AS (
    SELECT
        file.dataset,
        file.day,
        file.sha256
    FROM newest_releases
    INNER JOIN lake_release_files USING (day, release)
    INNER JOIN lake_file_versions AS file USING (dataset, day, version)
    WHERE file.dataset = any(%(inputs)s)
    UNION ALL
    SELECT
        file.dataset,
        file.day,
        file.sha256
    FROM lake_files AS file
    WHERE
        file.dataset = any(%(inputs)s)
        AND NOT EXISTS (SELECT FROM lake_releases WHERE lake_releases.day = file.day)
)

SELECT
    made.dataset,
    made.day,
    array_agg(DISTINCT input.day ORDER BY input.day) AS changed_days,
    md5(string_agg(input.dataset || input.day || encode(input.sha256, 'hex'), ' ' ORDER BY input.day, input.dataset))
        AS state
FROM unnest(%(datasets)s::text[], %(inputs)s::text[], %(lookback_days)s::integer[])
    AS dependency (dataset, input, lookback_days)
INNER JOIN lake_files AS made ON dependency.dataset = made.dataset
INNER JOIN seen_files AS input
    ON
        dependency.input = input.dataset
        AND made.day - dependency.lookback_days <= input.day
        AND made.day > input.day
LEFT JOIN lake_file_inputs AS read_then
    ON
        made.dataset = read_then.dataset
        AND made.day = read_then.day
        AND made.version = read_then.version
        AND input.dataset = read_then.input
        AND input.day = read_then.input_day
WHERE
    read_then.input_sha256 IS DISTINCT FROM input.sha256
    -- What was made without a lost file is queued when that is back.
    AND read_then.input_sha256 IS DISTINCT FROM ''
GROUP BY made.dataset, made.day
ORDER BY made.day, made.dataset
