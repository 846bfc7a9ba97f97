ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES FROM ({starts_at}) TO ({ends_at})
