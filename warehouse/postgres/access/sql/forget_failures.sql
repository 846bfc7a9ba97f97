DELETE FROM failed_sign_ins
WHERE kind = 'account' AND subject_sha256 = %(account)s
