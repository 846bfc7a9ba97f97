-- The onset lies within its interval and before the last session; what is over says when it ended, and nothing else does.
SELECT
    finding_id,
    state,
    onset_from,
    onset_at,
    onset_until,
    last_ended_at,
    closed_on,
    excluded_until
FROM loss_findings
WHERE
    day = getvariable('day')
    AND (
        onset_at < onset_from
        OR onset_until < onset_at
        OR last_ended_at < onset_at
        OR (state IN ('closed', 'accepted')) <> (closed_on IS NOT NULL)
        OR (state = 'closed') <> (excluded_until IS NOT NULL)
    )
