INSERT INTO users OVERRIDING SYSTEM VALUE
SELECT * FROM jsonb_populate_recordset(NULL::users, %(users)s)
