-- The newest release of a day; 0 where there is none. And what it changed of what readers saw before, where it did.
SELECT
    newest.release,
    restatement.summary
FROM (SELECT coalesce(max(release), 0) AS release FROM lake_releases WHERE day = %(day)s) AS newest
LEFT JOIN lake_restatements AS restatement
    ON restatement.day = %(day)s AND newest.release = restatement.release
