-- A pair is bad where it lies further below its peers than it may, and nothing is said without models or with too few peers.
SELECT
    vehicle_id,
    meter_id,
    verdict,
    expected_efficiency,
    peer_count,
    points_below,
    points_allowed
FROM first_day_verdicts
WHERE
    day = getvariable('day')
    AND (
        (verdict = 'no_model_labels') <> (expected_efficiency IS NULL)
        OR (verdict IN ('bad_from_first_day', 'usual')) <> (points_below IS NOT NULL AND points_allowed IS NOT NULL)
        OR (verdict IN ('bad_from_first_day', 'usual')) <> (peer_count >= 9)
        OR (verdict = 'bad_from_first_day') <> coalesce(points_below > points_allowed, FALSE)
    )
