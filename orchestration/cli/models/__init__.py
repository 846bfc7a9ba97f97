"""``fleetwatt models``: the catalog of the lake, its pages and its checks."""
