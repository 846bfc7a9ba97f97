-- What a day can change: all that are unresolved, were told of until now or until lately, and whatever has an id that is told.
SELECT *
FROM findings
WHERE
    state <> 'resolved'
    OR told_state <> 'gone'
    OR day >= %(since)s
    OR finding_id = any(%(finding_ids)s::uuid[])
