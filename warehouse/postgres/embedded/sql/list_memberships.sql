-- The roles that a role is a member of, as SQL writes their names.
SELECT roleid::regrole::text
FROM pg_auth_members
WHERE member = %(role)s::regrole
