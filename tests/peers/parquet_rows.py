"""Reads a Parquet file as pyarrow does and prints it as one line of JSON: what its metadata say, the
types of its columns, and its rows."""

import json
import sys

import pyarrow.parquet

table = pyarrow.parquet.read_table(sys.argv[1])
notes = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
kinds = {field.name: str(field.type) for field in table.schema}
columns = {name: table.column(name).to_pylist() for name in table.column_names}
columns["time"] = [time.isoformat() for time in columns["time"]]
print(json.dumps({"metadata": notes, "types": kinds, "columns": columns}))
