-- Puts a stand-in for an id, wherever a text speaks of it.
UPDATE {held_in}
SET {assignments}
WHERE {chosen}
