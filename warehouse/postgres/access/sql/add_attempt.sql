-- Counted before it is made, so that many at once are many: of the account, then of the address, in this order. A row that is not
-- returned has to wait. From the failure on that ends the free ones, each doubles the pause.
INSERT INTO failed_sign_ins AS known (kind, subject_sha256, failures, last_failed_at, waits_until)
SELECT tried.kind, tried.subject, 1, clock_timestamp(), clock_timestamp()
FROM (VALUES ('account', %(account)s::bytea), ('address', %(address)s::bytea)) AS tried (kind, subject)
ON CONFLICT (kind, subject_sha256) DO UPDATE
    SET
        failures = CASE
            WHEN known.last_failed_at < clock_timestamp() - %(forgotten)s THEN 1
            ELSE least(known.failures + 1, 1000)
        END,
        last_failed_at = clock_timestamp(),
        waits_until = CASE
            WHEN known.last_failed_at < clock_timestamp() - %(forgotten)s OR known.failures + 1 < %(free)s THEN clock_timestamp()
            ELSE clock_timestamp() + least(
                interval '1 s' * power(2, least(known.failures + 1 - %(free)s, 30)), %(longest)s
            )
        END
    WHERE known.waits_until <= clock_timestamp()
RETURNING known.kind
