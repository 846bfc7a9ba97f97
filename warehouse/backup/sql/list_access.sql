-- Who may do what, as it is now: every column, whichever there are.
SELECT
    (SELECT coalesce(jsonb_agg(to_jsonb(tokens)), '[]') FROM tokens) AS tokens,
    (SELECT coalesce(jsonb_agg(to_jsonb(users)), '[]') FROM users) AS users
