-- What a worker that was killed between detaching and dropping has left: the ledger says dropped, and the table is still there.
SELECT
    ledger.stream,
    ledger.day
FROM partition_ledger AS ledger
WHERE
    ledger.state = 'dropped'
    AND to_regclass(ledger.stream || to_char(ledger.day, '"_"YYYY"_"MM"_"DD')) IS NOT NULL
ORDER BY ledger.day, ledger.stream
