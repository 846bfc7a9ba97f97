-- The event of this revision, where it is the same act of the same person.
SELECT TRUE AS is_same
FROM finding_events
WHERE
    finding_id = %(finding_id)s
    AND revision = %(revision)s
    AND actor = %(actor)s
    AND event = %(event)s
    AND note IS NOT DISTINCT FROM %(note)s
    AND details @> %(details)s
