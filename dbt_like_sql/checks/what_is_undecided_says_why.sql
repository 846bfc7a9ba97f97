-- A cause is told with a probability of 0.9 or more and no reason against it; what is undecided says why.
SELECT
    finding_id,
    cause,
    probability,
    why_undecided
FROM register_verdicts
WHERE
    day = getvariable('day')
    AND (
        (cause = 'undecided') <> (why_undecided IS NOT NULL)
        OR (cause <> 'undecided') <> (probability >= 0.9)
    )
