-- No version of a dataset's day is current or seen any more. What versions there are stays known until their files are gone.
WITH seen AS (
    DELETE FROM lake_release_files
    WHERE dataset = %(dataset)s AND day = %(day)s
)

DELETE FROM lake_files
WHERE dataset = %(dataset)s AND day = %(day)s
