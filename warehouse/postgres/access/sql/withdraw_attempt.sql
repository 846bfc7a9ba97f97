-- Of the address: it was none that failed.
UPDATE failed_sign_ins
SET failures = failures - 1, waits_until = clock_timestamp()
WHERE kind = 'address' AND subject_sha256 = %(address)s AND failures > 0
