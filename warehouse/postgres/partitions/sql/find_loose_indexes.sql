-- Keys of closed days whose index takes more room than its entries need. An entry is 36 bytes (44 of a vehicle), a page
-- of a new index is nine tenths full; small ones are not worth it. reltuples is what the vacuum at sealing counted.
SELECT
    index_class.relname AS index_name,
    pg_relation_size(index_class.oid) AS size_bytes
FROM partition_ledger AS ledger
INNER JOIN pg_index AS index
    ON index.indrelid = to_regclass(ledger.stream || '_' || to_char(ledger.day, 'YYYY_MM_DD'))
INNER JOIN pg_class AS index_class ON index.indexrelid = index_class.oid
WHERE
    ledger.state IN ('sealed', 'exported')
    AND index.indisprimary
    AND index_class.reltuples > 0
    AND pg_relation_size(index_class.oid) > %(least_bytes)s
    AND pg_relation_size(index_class.oid) > %(looseness)s * index_class.reltuples
    * CASE ledger.stream WHEN 'meter_readings' THEN 36 ELSE 44 END / 0.9
ORDER BY ledger.day, ledger.stream
