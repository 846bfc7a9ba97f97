SELECT count(*) AS row_count
FROM {held_in}
WHERE {chosen}
