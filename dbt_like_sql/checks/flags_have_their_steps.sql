-- Each device has as many flagged steps of each flag as its hours count.
WITH counted AS (
    SELECT
        kind,
        device_id,
        sum(glitch_count) AS glitches,
        sum(dip_count) AS dips,
        sum(jump_count) AS jumps,
        sum(rollover_count) AS rollovers,
        sum(reset_count) AS resets,
        sum(rebase_count) AS rebases,
        sum(gap_count) AS gaps
    FROM hourly_energy
    WHERE day = getvariable('day')
    GROUP BY kind, device_id
),

listed AS (
    SELECT
        kind,
        device_id,
        count(*) FILTER (WHERE flag = 'glitch') AS glitches,
        count(*) FILTER (WHERE flag = 'dip') AS dips,
        count(*) FILTER (WHERE flag = 'jump') AS jumps,
        count(*) FILTER (WHERE flag = 'rollover') AS rollovers,
        count(*) FILTER (WHERE flag = 'reset') AS resets,
        count(*) FILTER (WHERE flag = 'rebase') AS rebases,
        count(*) FILTER (WHERE flag = 'gap') AS gaps
    FROM flagged_steps
    WHERE day = getvariable('day')
    GROUP BY kind, device_id
)

SELECT
    kind,
    device_id,
    coalesce(listed.glitches, 0) - coalesce(counted.glitches, 0) AS surplus_glitches,
    coalesce(listed.dips, 0) - coalesce(counted.dips, 0) AS surplus_dips,
    coalesce(listed.jumps, 0) - coalesce(counted.jumps, 0) AS surplus_jumps,
    coalesce(listed.rollovers, 0) - coalesce(counted.rollovers, 0) AS surplus_rollovers,
    coalesce(listed.resets, 0) - coalesce(counted.resets, 0) AS surplus_resets,
    coalesce(listed.rebases, 0) - coalesce(counted.rebases, 0) AS surplus_rebases,
    coalesce(listed.gaps, 0) - coalesce(counted.gaps, 0) AS surplus_gaps
FROM counted
FULL JOIN listed USING (kind, device_id)
WHERE
    surplus_glitches <> 0
    OR surplus_dips <> 0
    OR surplus_jumps <> 0
    OR surplus_rollovers <> 0
    OR surplus_resets <> 0
    OR surplus_rebases <> 0
    OR surplus_gaps <> 0
