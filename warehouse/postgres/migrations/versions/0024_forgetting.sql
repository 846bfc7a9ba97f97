-- What is to be forgotten of a device. Once that is done, its keyed hash is all that tells which one it was.
CREATE TABLE forgettings (
    forgetting_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    subject_hash text NOT NULL,
    kind device_kind NOT NULL,
    external_id text,
    device_id integer,
    -- Readings of days before this one; null: all that there is.
    before_day date,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When the last row and the last file with it were gone, and when the disk no longer had what they had left there.
    done_at timestamptz,
    swept_at timestamptz,
    CHECK ((done_at IS NULL) = (external_id IS NOT NULL)),
    CHECK ((done_at IS NULL) = (device_id IS NOT NULL)),
    CHECK (swept_at IS NULL OR done_at IS NOT NULL)
);
CREATE UNIQUE INDEX forgettings_unfinished ON forgettings (kind, device_id) WHERE done_at IS NULL;

-- The days of the lake that are to be made again without it, and which of them were.
CREATE TABLE forgetting_days (
    forgetting_id bigint NOT NULL REFERENCES forgettings ON DELETE CASCADE,
    day date NOT NULL,
    made_at timestamptz,
    PRIMARY KEY (forgetting_id, day)
);

-- What the fleet's sums of a day lost with forgotten devices, of all of them together.
CREATE TABLE forgotten_energy (
    day date NOT NULL,
    kind device_kind NOT NULL,
    energy_kwh double precision NOT NULL,
    device_count integer NOT NULL CHECK (device_count > 0),
    PRIMARY KEY (day, kind)
);

-- Events only grow, but for those of a device that is forgotten.
CREATE OR REPLACE FUNCTION refuse_to_rewrite_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('fleetwatt.forgetting', TRUE) = 'on' AND TG_OP <> 'TRUNCATE' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'finding_events only grows: what happened is neither changed nor deleted';
END
$$;
