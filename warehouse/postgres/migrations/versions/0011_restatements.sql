-- A release that changed numbers which readers had seen. It outlives its lake_releases row: what was restated stays known.
CREATE TABLE lake_restatements (
    day date NOT NULL,
    release integer NOT NULL,
    published_at timestamptz NOT NULL,
    reason text NOT NULL,
    -- One line for people: the reason, and the number that matters most.
    summary text NOT NULL,
    added_reading_count bigint NOT NULL,
    device_count integer NOT NULL,
    -- The first of them, as they call themselves.
    devices text[] NOT NULL,
    PRIMARY KEY (day, release)
);
CREATE INDEX lake_restatements_by_time ON lake_restatements (published_at);

-- What it changed: of each dataset its rows, and the sum of each measure that is another one.
CREATE TABLE lake_restated_sums (
    day date NOT NULL,
    release integer NOT NULL,
    dataset text NOT NULL,
    version integer NOT NULL,
    measure text NOT NULL,
    old_sum double precision,
    new_sum double precision,
    changed_row_count bigint,
    PRIMARY KEY (day, release, dataset, measure),
    FOREIGN KEY (day, release) REFERENCES lake_restatements ON DELETE CASCADE
);

-- Whether the rows came by fleetwatt import. Of rows of before that is not known, and they count as sent by devices.
ALTER TABLE late_rows ADD COLUMN is_imported boolean NOT NULL DEFAULT FALSE;
