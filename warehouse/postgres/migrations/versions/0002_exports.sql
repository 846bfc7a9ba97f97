-- What an exported version holds. late_row_count is what late_rows summed to in the export's own snapshot: a day is dirty
-- when the sum is another one now.
ALTER TABLE partition_ledger
ADD COLUMN sealed_at timestamptz,
ADD COLUMN exported_at timestamptz,
ADD COLUMN version integer NOT NULL DEFAULT 0,
ADD COLUMN row_count bigint,
ADD COLUMN energy_mwh numeric,
ADD COLUMN first_ts timestamptz,
ADD COLUMN last_ts timestamptz,
ADD COLUMN device_count integer,
ADD COLUMN late_row_count bigint;

-- Each published file of the lake. Between publishing and confirmed, the file on disk may have either hash.
CREATE TABLE lake_files (
    dataset text NOT NULL,
    day date NOT NULL,
    version integer NOT NULL DEFAULT 0,
    sha256 bytea,
    publishing_sha256 bytea,
    size_bytes bigint,
    row_count bigint,
    published_at timestamptz,
    PRIMARY KEY (dataset, day)
);

-- A day is to be built while it is requested more often than it was built. `reason` is the latest request's.
CREATE TABLE day_builds (
    day date PRIMARY KEY,
    requested integer NOT NULL DEFAULT 0,
    building integer NOT NULL DEFAULT 0,
    built integer NOT NULL DEFAULT 0,
    reason text,
    requested_at timestamptz,
    built_at timestamptz
);
