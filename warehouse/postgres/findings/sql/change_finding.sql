UPDATE findings
SET
    state = %(state)s,
    snoozed_until = %(snoozed_until)s,
    assigned_to = %(assigned_to)s,
    resolved_at = %(resolved_at)s,
    resolved_because = %(resolved_because)s,
    resolved_by = %(resolved_by)s,
    resolved_on = %(resolved_on)s,
    revision = revision + 1
WHERE finding_id = %(finding_id)s
