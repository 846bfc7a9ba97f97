SELECT {referred}
FROM {held_in}
WHERE {chosen}
