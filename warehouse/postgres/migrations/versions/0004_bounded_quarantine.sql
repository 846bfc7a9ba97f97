-- Of what is refused the first 4 KiB are kept; raw_sha256 and size_bytes are of the whole.
ALTER TABLE quarantined_readings
ADD COLUMN size_bytes bigint,
ADD COLUMN client_address text,
ADD COLUMN request_id text;
COMMENT ON COLUMN quarantined_readings.raw IS 'The first 4 KiB; raw_sha256 and size_bytes are of the whole';
COMMENT ON COLUMN quarantined_readings.client_address IS 'Who sent it first, and in which request; null where it came by a file';
UPDATE quarantined_readings SET size_bytes = octet_length(raw), raw = substring(raw FROM 1 FOR 4096);
ALTER TABLE quarantined_readings ALTER COLUMN size_bytes SET NOT NULL;

-- What is sent again is counted on its row. With no index on last_seen_at, and room on the page, the dead row goes with the
-- next look at the page, and the same bytes sent without end do not make the table grow.
DROP INDEX quarantined_readings_by_age;
ALTER TABLE quarantined_readings SET (fillfactor = 80);

-- What a row takes on the disk with its two indexes, but for the first bytes themselves; measured.
CREATE FUNCTION quarantine_row_bytes(raw bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN octet_length(raw) + 400;

-- What was refused since the beginning, and what of it is kept. One row a code and slot of writers: with one row a code they
-- would wait for each other's commit.
CREATE TABLE quarantine_counts (
    code text NOT NULL,
    slot smallint NOT NULL,
    item_count bigint NOT NULL DEFAULT 0,
    counted_only bigint NOT NULL DEFAULT 0,
    kept_rows bigint NOT NULL DEFAULT 0,
    kept_bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (code, slot)
) WITH (fillfactor = 50);
COMMENT ON COLUMN quarantine_counts.counted_only IS 'Refused items whose bytes were not kept';

INSERT INTO quarantine_counts (code, slot, item_count, kept_rows, kept_bytes)
SELECT code, 0, sum(times_seen), count(*), sum(quarantine_row_bytes(raw))
FROM quarantined_readings
GROUP BY code;

-- The rows are counted whoever adds or deletes them: an operator who deletes some makes room.
CREATE FUNCTION count_quarantined() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO quarantine_counts AS counts (code, slot, kept_rows, kept_bytes)
    SELECT
        code,
        mod(pg_backend_pid(), 16),
        CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END * count(*),
        CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END * sum(quarantine_row_bytes(raw))
    FROM changed
    GROUP BY code
    ORDER BY code
    ON CONFLICT (code, slot) DO UPDATE SET
        kept_rows = counts.kept_rows + excluded.kept_rows,
        kept_bytes = counts.kept_bytes + excluded.kept_bytes;
    RETURN NULL;
END
$$;

CREATE TRIGGER count_added AFTER INSERT ON quarantined_readings
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_quarantined();

CREATE TRIGGER count_deleted AFTER DELETE ON quarantined_readings
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_quarantined();
