SELECT coalesce(sum(pg_relation_size(to_regclass(partition_name))), 0)
FROM unnest(%(partitions)s::text[]) AS partition_name
