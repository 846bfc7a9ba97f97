INSERT INTO lake_files (dataset, day, publishing_sha256)
VALUES (%(dataset)s, %(day)s, %(sha256)s)
ON CONFLICT (dataset, day) DO UPDATE SET publishing_sha256 = excluded.publishing_sha256
