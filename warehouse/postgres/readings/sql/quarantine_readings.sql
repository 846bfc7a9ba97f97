-- The first bytes are kept once per content and code; sent again, they are only counted. Where there is no room for a new row,
-- its item is only counted too; the last quarter of the room is for conflicts, which are somebody's valid readings.
-- Writers take their locks in the same order: rows by hash, then counts by code.
WITH refused AS (
    SELECT
        item.*,
        kept.code IS NOT NULL AS is_kept
    FROM
        unnest(
            %(codes)s::text[], %(pointers)s::text[], %(details)s::text[], %(sources)s::text[],
            %(client_addresses)s::text[], %(request_ids)s::text[],
            %(raws)s::bytea[], %(raw_sha256s)s::bytea[], %(sizes_bytes)s::bigint[], %(times_seen)s::bigint[]
        ) WITH ORDINALITY AS item (
            code, pointer, detail, source, client_address, request_id,
            raw, raw_sha256, size_bytes, times_seen, position
        )
    LEFT JOIN quarantined_readings AS kept ON item.raw_sha256 = kept.raw_sha256 AND item.code = kept.code
),

room AS (
    SELECT
        %(max_rows)s - coalesce(sum(kept_rows), 0) AS row_count,
        %(max_bytes)s - coalesce(sum(kept_bytes), 0) AS byte_count
    FROM quarantine_counts
),

new_up_to_here AS (
    SELECT
        position,
        CASE code WHEN 'conflict' THEN 0 ELSE 0.25 END AS reserved,
        count(*) OVER in_order AS row_count,
        sum(quarantine_row_bytes(raw)) OVER in_order AS byte_count
    FROM refused
    WHERE NOT is_kept
    WINDOW in_order AS (ORDER BY position)
),

chosen AS (
    SELECT refused.*
    FROM refused
    LEFT JOIN new_up_to_here AS new USING (position)
    CROSS JOIN room
    WHERE
        refused.is_kept
        OR (
            new.row_count <= room.row_count - new.reserved * %(max_rows)s
            AND new.byte_count <= room.byte_count - new.reserved * %(max_bytes)s
        )
),

kept AS (
    INSERT INTO quarantined_readings AS kept (
        code, pointer, detail, source, client_address, request_id, raw, raw_sha256, size_bytes, times_seen
    )
    SELECT
        code, pointer, detail, source, client_address, request_id, raw, raw_sha256, size_bytes, times_seen
    FROM chosen
    ORDER BY raw_sha256, code
    ON CONFLICT (raw_sha256, code) DO UPDATE SET
        times_seen = kept.times_seen + excluded.times_seen,
        last_seen_at = clock_timestamp()
),

items AS (
    SELECT code, times_seen AS item_count, position IN (SELECT position FROM chosen) AS is_chosen
    FROM refused
    UNION ALL
    SELECT code, item_count, FALSE
    FROM unnest(%(more_codes)s::text[], %(more_counts)s::bigint[]) AS more (code, item_count)
),

by_code AS (
    SELECT
        code,
        sum(item_count)::bigint AS item_count,
        coalesce(sum(item_count) FILTER (WHERE NOT is_chosen), 0)::bigint AS counted_only
    FROM items
    GROUP BY code
),

counted AS (
    INSERT INTO quarantine_counts AS counts (code, slot, item_count, counted_only)
    SELECT code, mod(pg_backend_pid(), 16), item_count, counted_only
    FROM by_code
    ORDER BY code
    ON CONFLICT (code, slot) DO UPDATE SET
        item_count = counts.item_count + excluded.item_count,
        counted_only = counts.counted_only + excluded.counted_only
)

SELECT code, counted_only
FROM by_code
WHERE counted_only > 0
