-- Users that an identity provider vouches for, by its own name (issuer) and its name for them (subject). They have no
-- password here, and others are known by a password alone.
ALTER TABLE users
ALTER COLUMN password_hash DROP NOT NULL,
ADD COLUMN issuer text CHECK (issuer <> ''),
ADD COLUMN subject text CHECK (octet_length(subject) BETWEEN 1 AND 1024),
ADD CONSTRAINT users_of_providers_have_both CHECK ((issuer IS NULL) = (subject IS NULL)),
ADD CONSTRAINT users_sign_in_in_one_way CHECK ((password_hash IS NULL) = (issuer IS NOT NULL));
CREATE UNIQUE INDEX users_by_subject ON users (issuer, subject);
