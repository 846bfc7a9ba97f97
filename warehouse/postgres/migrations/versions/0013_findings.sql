-- What the newest released day tells of losses and of faults of the data, and what people made of it. Written by the daily
-- pipeline in the transaction that makes a release, and by people; no restatement takes back what a person did.
CREATE TABLE findings (
    finding_id uuid PRIMARY KEY,
    -- Under which id the lake tells of it: a restatement may open it on another day, and then it has another one there.
    lake_id uuid,
    rule text NOT NULL,
    rule_version integer NOT NULL DEFAULT 1,
    name text NOT NULL DEFAULT '',
    kind text NOT NULL CHECK (kind IN ('loss', 'data')),
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    subject text NOT NULL,
    -- Of a vehicle's or a meter's finding the other id is who it was seen with.
    subject_kind text NOT NULL DEFAULT 'pair' CHECK (subject_kind IN ('pair', 'vehicle', 'meter')),
    vehicle_id integer,
    meter_id integer,
    subject_key text NOT NULL GENERATED ALWAYS AS (
        subject_kind
        || CASE WHEN subject_kind = 'meter' THEN '' ELSE '/' || coalesce(vehicle_id, 0)::text END
        || CASE WHEN subject_kind = 'vehicle' THEN '' ELSE '/' || coalesce(meter_id, 0)::text END
    ) STORED,
    -- Where a snooze has run out it is open, though it still says snoozed.
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'snoozed', 'accepted', 'resolved')),
    snoozed_until timestamptz,
    assigned_to text,
    opened_on date NOT NULL,
    resolved_at timestamptz,
    resolved_because text,
    -- The day that had been released when it was resolved, and by whom: the pipeline or a person.
    resolved_on date,
    resolved_by text,
    onset_from timestamptz,
    onset_at timestamptz,
    onset_until timestamptz,
    cause text,
    cause_probability double precision,
    deciding_test text,
    z double precision,
    points double precision,
    excess_kwh double precision,
    excess_low_kwh double precision,
    excess_high_kwh double precision,
    kwh_per_month double precision,
    cost double precision,
    cost_per_month double precision,
    currency text,
    session_count integer,
    session_ids text[],
    detail text NOT NULL DEFAULT '',
    -- The newest day that told of it, and what the rule said then: open, closed, accepted; gone: nothing any more.
    day date NOT NULL,
    told_state text NOT NULL DEFAULT 'open' CHECK (told_state IN ('open', 'closed', 'accepted', 'gone')),
    -- What was told when it opened or got worse: from there on it can get worse.
    told_severity text,
    told_points double precision,
    told_kwh_per_month double precision,
    -- Counts the events: who changes a finding says which revision was looked at.
    revision integer NOT NULL DEFAULT 1,
    CHECK ((state = 'snoozed') = (snoozed_until IS NOT NULL)),
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL))
);
CREATE UNIQUE INDEX findings_unresolved ON findings (rule, subject_key)
WHERE state IN ('open', 'acknowledged', 'snoozed');
CREATE INDEX findings_by_subject ON findings (subject_key, rule);
CREATE INDEX findings_of_vehicles ON findings (vehicle_id) WHERE state <> 'resolved';
CREATE INDEX findings_of_meters ON findings (meter_id) WHERE state <> 'resolved';

CREATE TABLE finding_events (
    -- In the order in which they became visible: who writes events holds one lock.
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding_id uuid NOT NULL REFERENCES findings,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- pipeline, or a person.
    actor text NOT NULL,
    event text NOT NULL CHECK (
        event IN (
            'opened', 'worse', 'reopened', 'resolved', 'acknowledged', 'snoozed', 'accepted', 'assigned', 'noted'
        )
    ),
    note text,
    -- Of the finding, with this event.
    revision integer NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX finding_events_of_finding ON finding_events (finding_id, event_id);

CREATE FUNCTION refuse_to_rewrite_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'finding_events only grows: what happened is neither changed nor deleted';
END
$$;
CREATE TRIGGER finding_events_only_grow
BEFORE UPDATE OR DELETE OR TRUNCATE ON finding_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_events();
