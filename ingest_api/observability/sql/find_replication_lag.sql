-- Seconds by which a replica is behind; null where this is none. One that has replayed all it received is not behind,
-- however long ago the primary wrote last.
SELECT
    CASE
        WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
        ELSE extract(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp())::double precision
    END AS seconds
WHERE pg_is_in_recovery()
