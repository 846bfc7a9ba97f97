-- A current file of a day that was made before the current version of something it is made of. Each step holds the day, so
-- what is published after its input was made of that.
SELECT made.dataset
FROM unnest(%(datasets)s::text[], %(inputs)s::text[]) AS dependency (dataset, input)
INNER JOIN lake_files AS made ON dependency.dataset = made.dataset AND made.day = %(day)s
INNER JOIN lake_file_versions AS made_version
    ON made.dataset = made_version.dataset AND made.day = made_version.day AND made.version = made_version.version
INNER JOIN lake_files AS input ON dependency.input = input.dataset AND input.day = %(day)s
INNER JOIN lake_file_versions AS input_version
    ON input.dataset = input_version.dataset AND input.day = input_version.day AND input.version = input_version.version
WHERE input_version.publication > made_version.publication
ORDER BY made.dataset
LIMIT 1
