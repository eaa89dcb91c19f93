"""Write Delta tables with Sail's Spark-compatible engine; run as a script, in its own process.

Usage: ``python write_with_sail.py FOLDER``. Writes out, for each table, the rows Sail itself reads.
"""

from __future__ import annotations

import json
import os
import sys
import warnings

warnings.simplefilter("ignore")

from pysail.spark import SparkConnectServer  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

VALUES = """
 (1, 'a', named_struct('a', 1, 'b', 'x'), array(1, NULL), DATE'2024-01-01', 1.50, 'p1'),
 (2, 'é', NULL, NULL, NULL, NULL, 'p 2/='),
 (3, NULL, named_struct('a', NULL, 'b', 'y'), array(), DATE'1900-01-01', -2.25, ''),
 (4, 'd', NULL, array(4), DATE'9999-12-31', 0.05, NULL)
"""
COLUMNS = (
    "id BIGINT, word STRING, n STRUCT<a: INT, b: STRING>, list ARRAY<INT>, day DATE, "
    "price DECIMAL(10,2), p STRING"
)
PROPERTIES = {
    "plain": "",
    "vectors": "'delta.enableDeletionVectors'='true'",
    "by_name": "'delta.columnMapping.mode'='name'",
    "by_id": "'delta.columnMapping.mode'='id'",
    "both": "'delta.columnMapping.mode'='name', 'delta.enableDeletionVectors'='true'",
}
SHOWN = (
    "SELECT CAST(id AS STRING), word, CAST(n.a AS STRING), n.b, CAST(size(list) AS STRING), "
    "CAST(day AS STRING), CAST(price AS STRING), p FROM {} ORDER BY id"
)


def main(folder: str) -> None:
    server = SparkConnectServer(port=0)
    server.start(background=True)
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}")
    session = spark.getOrCreate()
    expected = {}
    for kind, properties in PROPERTIES.items():
        for partitioned in (False, True):
            name = f"{kind}_{'parts' if partitioned else 'whole'}"
            session.sql(
                f"CREATE TABLE {name} ({COLUMNS}) USING delta "
                f"{'PARTITIONED BY (p)' if partitioned else ''} LOCATION '{folder}/{name}' "
                f"{f'TBLPROPERTIES ({properties})' if properties else ''}"
            ).collect()
            session.sql(f"INSERT INTO {name} VALUES {VALUES}").collect()
            session.sql(f"DELETE FROM {name} WHERE id = 4").collect()
            rows = session.sql(SHOWN.format(name)).collect()
            expected[name] = [list(row) for row in rows]
    sys.stdout.write(json.dumps(expected) + "\n")
    sys.stdout.flush()
    os._exit(0)  # the server's threads have nothing left to do


if __name__ == "__main__":
    main(sys.argv[1])
