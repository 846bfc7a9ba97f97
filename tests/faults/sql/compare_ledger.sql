-- lost: acknowledged and not stored as it was sent. unheard: stored and not acknowledged. unexplained: of these, the ones
-- that nobody was waiting to hear of.
SELECT
    (SELECT count(*) FROM acknowledged) AS acknowledged,
    (SELECT count(*) FROM stored) AS stored,
    (SELECT count(*) FROM (TABLE acknowledged EXCEPT TABLE stored) AS missing) AS lost,
    (SELECT count(*) FROM (TABLE stored EXCEPT TABLE acknowledged) AS more) AS unheard,
    (
        SELECT count(*)
        FROM (TABLE stored EXCEPT TABLE acknowledged EXCEPT TABLE unanswered) AS nobodys
    ) AS unexplained
