"""``make bench-ingest``: how fast the ingest tier and the 24 h query are, against baselines of the same run."""

from tests.benchmarks import bulk, burst, command, disk, fleet_hours, fresh_query, single, stream, tokens, window_query
from tests.benchmarks.scale import QUICK, Scale
from tests.benchmarks.stand import Stand

MEASUREMENTS = {
    "single": single.measure,
    "tokens": tokens.measure,
    "bulk": bulk.measure,
    "stream": stream.measure,
    "burst": burst.measure,
    "hours": fleet_hours.measure,
    # These three share one large day, and need it in this order: as it was written, vacuumed, reindexed.
    "fresh": fresh_query.measure,
    "query": window_query.measure,
    "disk": disk.measure,
}

if __name__ == "__main__":
    command.run("make bench-ingest", __doc__, MEASUREMENTS, (Scale(), QUICK), Stand)
