SELECT 1
WHERE to_regclass(%(name)s) IS NOT NULL
