-- In one order, so that two who remove one at the same time wait for each other.
SELECT name
FROM users
WHERE role = 'admin' AND disabled_at IS NULL
ORDER BY user_id
FOR UPDATE
