SELECT coalesce(ceil(extract(EPOCH FROM max(waits_until) - clock_timestamp())), 0)::integer AS wait_s
FROM failed_sign_ins
WHERE (kind, subject_sha256) IN (('account', %(account)s), ('address', %(address)s))
