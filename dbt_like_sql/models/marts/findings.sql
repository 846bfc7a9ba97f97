-- What is known on the day of losses and of faults of the data, with what it costs and what would decide whose it is.
WITH tariff AS (
    -- The price that holds on the day; without one, costs are unknown.
    SELECT
        max_by(price_per_kwh, valid_from) AS price_per_kwh,
        max_by(currency, valid_from) AS currency
    FROM tariffs
    WHERE day = getvariable('day') AND valid_from <= getvariable('day')
),

limits AS (
    -- Energies are told for a month, and with the interval that holds the true one with 95 % probability. A loss is counted
    -- over the days that its sessions are looked back on, at most.
    SELECT
        30.0 AS days_a_month,
        1.96 AS confidence_sigmas,
        8.0 AS critical_points,
        180 AS history_days,
        24 / 1000 AS kwh_a_day_of_watt,
        (getvariable('day') + 1)::TIMESTAMP AT TIME ZONE 'UTC' AS day_end
),

verdicts_of_sites AS (
    -- The clearest verdict that names a device of the pair, or that it is the one or the other.
    SELECT
        losses.finding_id,
        arg_min(site.subject, site.place) AS subject,
        arg_min(site.probability, site.place) AS probability
    FROM loss_findings AS losses
    INNER JOIN site_verdicts AS site
        ON
            (site.subject IN ('charger', 'pair') AND losses.meter_id = site.meter_id)
            OR (site.subject IN ('vehicle', 'pair') AND losses.vehicle_id = site.vehicle_id)
    WHERE
        losses.day = getvariable('day')
        AND site.day = getvariable('day')
        AND (
            site.subject <> 'pair'
            OR (losses.vehicle_id = site.vehicle_id AND losses.meter_id = site.meter_id)
        )
    GROUP BY losses.finding_id
),

excess_losses AS (
    SELECT
        losses.finding_id,
        'R1' AS rule,
        losses.rule AS name,
        losses.rule_version,
        'loss' AS kind,
        losses.state,
        CASE
            WHEN losses.state = 'suspected' THEN 'info'
            WHEN losses.points >= limits.critical_points THEN 'critical'
            ELSE 'warning'
        END AS severity,
        'pair' AS subject_kind,
        losses.vehicle_id,
        losses.meter_id,
        losses.opened_on,
        losses.closed_on,
        losses.onset_from,
        losses.onset_at,
        losses.onset_until,
        losses.z,
        losses.points,
        losses.excess_kwh,
        losses.excess_kwh - limits.confidence_sigmas * losses.excess_deviation_kwh AS excess_low_kwh,
        losses.excess_kwh + limits.confidence_sigmas * losses.excess_deviation_kwh AS excess_high_kwh,
        losses.excess_kwh * limits.days_a_month / least(
            limits.history_days,
            1 + greatest(0, coalesce(losses.closed_on, losses.day) - (losses.onset_at AT TIME ZONE 'UTC')::DATE)
        ) AS kwh_per_month,
        -- What is over is not asked any more whose it is.
        CASE
            WHEN site.subject IN ('charger', 'vehicle') THEN site.subject
            WHEN losses.state IN ('suspected', 'open') THEN coalesce(register.cause, 'undecided')
        END AS cause,
        coalesce(site.probability, register.probability) AS cause_probability,
        losses.session_count,
        NULL::VARCHAR[] AS session_ids,
        format(
            '{:.1f} points of the efficiency are lost since {}: {:.1f} kWh in {} sessions',
            losses.points,
            strftime(losses.onset_at AT TIME ZONE 'UTC', '%Y-%m-%d'),
            losses.excess_kwh,
            losses.session_count
        ) || CASE
            WHEN losses.why_closed = 'not_seen'
                THEN strftime(losses.last_ended_at AT TIME ZONE 'UTC', '; not seen since %Y-%m-%d')
            ELSE ''
        END AS detail
    FROM loss_findings AS losses
    LEFT JOIN register_verdicts AS register
        ON losses.finding_id = register.finding_id AND register.day = getvariable('day')
    LEFT JOIN verdicts_of_sites AS site ON losses.finding_id = site.finding_id
    CROSS JOIN limits
    WHERE losses.day = getvariable('day')
),

bad_from_first_day AS (
    SELECT
        md5(concat_ws('/', 'R2', verdicts.vehicle_id, verdicts.meter_id))::UUID::VARCHAR AS finding_id,
        'R2' AS rule,
        verdicts.verdict AS name,
        verdicts.rule_version,
        'loss' AS kind,
        'open' AS state,
        CASE WHEN verdicts.points_below >= limits.critical_points THEN 'critical' ELSE 'warning' END AS severity,
        'pair' AS subject_kind,
        verdicts.vehicle_id,
        verdicts.meter_id,
        verdicts.week AS opened_on,
        NULL::DATE AS closed_on,
        NULL::TIMESTAMPTZ AS onset_from,
        NULL::TIMESTAMPTZ AS onset_at,
        NULL::TIMESTAMPTZ AS onset_until,
        NULL::DOUBLE AS z,
        verdicts.points_below AS points,
        NULL::DOUBLE AS excess_kwh,
        NULL::DOUBLE AS excess_low_kwh,
        NULL::DOUBLE AS excess_high_kwh,
        verdicts.dc_kwh_per_day * limits.days_a_month
        * (1 / verdicts.expected_efficiency - 1 / verdicts.peer_efficiency) AS kwh_per_month,
        'undecided' AS cause,
        NULL::DOUBLE AS cause_probability,
        verdicts.session_count,
        NULL::VARCHAR[] AS session_ids,
        format(
            'an efficiency of {:.3f} is expected in the warm, {:.1f} points below the {} others of these models',
            verdicts.expected_efficiency,
            verdicts.points_below,
            verdicts.peer_count
        ) AS detail
    FROM first_day_verdicts AS verdicts
    CROSS JOIN limits
    WHERE verdicts.day = getvariable('day') AND verdicts.verdict = 'bad_from_first_day'
),

faults AS (
    SELECT
        *,
        split_part(subject, ' ', 1) AS subject_kind
    FROM data_faults
    WHERE day = getvariable('day')
),

wrong_data AS (
    -- A charger that leaks (R4) wastes energy: the power above its usual one, day and night since the onset.
    SELECT
        md5(
            concat_ws(
                '/',
                faults.rule,
                faults.subject_kind,
                CASE WHEN faults.subject_kind = 'vehicle' THEN faults.vehicle_id ELSE faults.meter_id END,
                faults.opened_on
            )
        )::UUID::VARCHAR AS finding_id,
        faults.rule,
        faults.name,
        faults.rule_version,
        CASE WHEN faults.rule = 'R4' THEN 'loss' ELSE 'data' END AS kind,
        CASE WHEN faults.state = 'closed' THEN 'closed' ELSE 'open' END AS state,
        faults.severity,
        faults.subject_kind,
        faults.vehicle_id,
        faults.meter_id,
        faults.opened_on,
        faults.closed_on,
        faults.onset_after AS onset_from,
        faults.onset_at,
        NULL::TIMESTAMPTZ AS onset_until,
        NULL::DOUBLE AS z,
        NULL::DOUBLE AS points,
        CASE
            WHEN faults.rule = 'R4'
                THEN faults.observed * limits.kwh_a_day_of_watt * greatest(
                    0,
                    epoch(
                        CASE WHEN faults.state = 'closed' THEN faults.last_seen_at ELSE limits.day_end END
                    ) - epoch(faults.onset_at)
                ) / 86400
        END AS excess_kwh,
        NULL::DOUBLE AS excess_low_kwh,
        NULL::DOUBLE AS excess_high_kwh,
        CASE
            WHEN faults.rule = 'R4' THEN faults.observed * limits.kwh_a_day_of_watt * limits.days_a_month
        END AS kwh_per_month,
        NULL::VARCHAR AS cause,
        NULL::DOUBLE AS cause_probability,
        faults.session_count,
        faults.session_ids,
        faults.detail
    FROM faults
    CROSS JOIN limits
),

told AS (
    SELECT * FROM excess_losses
    UNION ALL
    SELECT * FROM bad_from_first_day
    UNION ALL
    SELECT * FROM wrong_data
)

SELECT
    told.finding_id,
    told.rule,
    told.name,
    told.rule_version,
    told.kind,
    told.state,
    told.severity,
    CASE told.subject_kind
        WHEN 'vehicle' THEN 'vehicle ' || vehicles.external_id
        WHEN 'meter' THEN 'meter ' || meters.external_id
        ELSE 'vehicle ' || vehicles.external_id || ' at meter ' || meters.external_id
    END AS subject,
    told.subject_kind,
    told.vehicle_id,
    vehicles.external_id AS vehicle_external_id,
    told.meter_id,
    meters.external_id AS meter_external_id,
    told.opened_on,
    told.closed_on,
    told.onset_from,
    told.onset_at,
    told.onset_until,
    told.z,
    told.points,
    told.excess_kwh,
    told.excess_low_kwh,
    told.excess_high_kwh,
    told.kwh_per_month,
    tariff.price_per_kwh,
    tariff.currency,
    told.excess_kwh * tariff.price_per_kwh AS cost,
    told.kwh_per_month * tariff.price_per_kwh AS cost_per_month,
    told.cause,
    told.cause_probability,
    CASE
        WHEN told.cause IN ('charger_or_car', 'undecided')
            THEN
                'charge vehicle ' || vehicles.external_id || ' two or three times elsewhere than at '
                || meters.external_id || ', and other vehicles at ' || meters.external_id
    END AS deciding_test,
    told.session_count,
    told.session_ids,
    told.detail
FROM told
LEFT JOIN vehicles ON told.vehicle_id = vehicles.vehicle_id AND vehicles.day = getvariable('day')
LEFT JOIN meters ON told.meter_id = meters.meter_id AND meters.day = getvariable('day')
CROSS JOIN tariff
