CREATE TEMPORARY TABLE {ledger} (
    kind text NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    ts timestamptz NOT NULL,
    kwh double precision NOT NULL
)
