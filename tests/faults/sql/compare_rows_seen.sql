SELECT
    (SELECT count(*) FROM (TABLE of_heap EXCEPT ALL TABLE of_index) AS missing)
    + (SELECT count(*) FROM (TABLE of_index EXCEPT ALL TABLE of_heap) AS more) AS differing
