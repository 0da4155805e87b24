"""A lake by DuckDB: events of each day, and statistics of a field.

nova lake --data /path/of/archive --to /path/of/lake
python examples/lake_by_duckdb.py /path/of/lake
"""

import sys
from pathlib import Path

import duckdb

lake = duckdb.connect()
lake.execute(Path(sys.argv[1], "views.sql").read_text())
print(lake.sql("select day, scope, count(*) as events from events group by all order by all"))
print(
    lake.sql(
        'select uniqueId, min("payload.volts"), max("payload.volts") '
        "from parsed_Battery where day >= date '2026-01-01' group by all order by all"
    )
)
