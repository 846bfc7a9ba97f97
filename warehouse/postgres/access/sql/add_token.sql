INSERT INTO tokens (token_id, secret_sha256, name, scopes, devices, expires_at)
VALUES (%(token_id)s, %(digest)s, %(name)s, %(scopes)s, %(devices)s, %(expires_at)s)
