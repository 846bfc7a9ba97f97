SELECT pg_catalog.set_config(
    setting.name,
    -- This one waits for more than is asked for: for the standbys as well.
    CASE
        WHEN setting.name OPERATOR (pg_catalog.=) 'synchronous_commit'
            AND pg_catalog.current_setting(setting.name) OPERATOR (pg_catalog.=) 'remote_apply' THEN 'remote_apply'
        ELSE setting.value
    END,
    FALSE
)
FROM pg_catalog.json_each_text({settings}::pg_catalog.json) AS setting (name, value)
WHERE pg_catalog.current_setting(setting.name, TRUE) IS NOT NULL
