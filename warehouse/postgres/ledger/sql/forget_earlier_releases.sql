-- Readers see the newest release of these days, and none before it is known any more.
DELETE FROM lake_releases AS old
WHERE
    old.day = any(%(days)s::date[])
    AND EXISTS (SELECT FROM lake_releases AS later WHERE later.day = old.day AND later.release > old.release)
