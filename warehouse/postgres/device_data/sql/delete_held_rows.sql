DELETE FROM {held_in}
WHERE {chosen}
