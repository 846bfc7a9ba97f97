SELECT
    forgetting_id,
    subject_hash,
    kind,
    external_id,
    device_id,
    before_day,
    requested_at,
    done_at,
    (SELECT count(*) FROM forgetting_days WHERE forgetting_days.forgetting_id = forgettings.forgetting_id) AS day_count,
    (
        SELECT count(*)
        FROM forgetting_days
        WHERE forgetting_days.forgetting_id = forgettings.forgetting_id AND made_at IS NULL
    ) AS waiting_day_count
FROM forgettings
WHERE swept_at IS NULL
ORDER BY forgetting_id
