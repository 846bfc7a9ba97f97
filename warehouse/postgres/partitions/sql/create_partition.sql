-- A table of its own until it is attached: making it never waits for an open reader, and no insert waits for it.
CREATE TABLE {partition} (LIKE {parent} INCLUDING ALL)
WITH (
    -- The 24 h query stays index-only as long as pages are marked all-visible: vacuum by inserts, not by scale.
    autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_vacuum_insert_scale_factor = 0.0
)
