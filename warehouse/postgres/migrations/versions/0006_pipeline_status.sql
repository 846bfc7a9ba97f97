-- One row, written by whoever runs Dagster. Only what changes what is stopped changes changed_at.
CREATE TABLE pipeline_status (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    stopped text[] NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN pipeline_status.stopped IS 'Sensors and schedules of Dagster that somebody stopped, by name';
