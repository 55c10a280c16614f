"""The samples that ship, as Parquet in the layout and the column types of the Hub's data sets. Run in this folder."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SAMPLES = Path("../../../src/bench/samples")
text, texts = pa.string(), pa.list_(pa.string())


def rows(name):
    return [json.loads(line) for line in (SAMPLES / f"{name}.jsonl").read_text().splitlines()]


def write(path, fields, wanted):
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: [row.get(name) for row in wanted] for name, _ in fields}
    pq.write_table(pa.table(columns, schema=pa.schema(fields)), file)


names = ["task_id", "prompt", "canonical_solution", "test", "entry_point"]
write("openai_humaneval/openai_humaneval/test-00000-of-00001.parquet", [(n, text) for n in names], rows("humaneval"))

full = [("task_id", pa.int32()), ("text", text), ("code", text), ("test_list", texts), ("test_setup_code", text)]
full.append(("challenge_test_list", texts))
sanitized = [("source_file", text), ("task_id", pa.int32()), ("prompt", text), ("code", text)]
sanitized += [("test_imports", texts), ("test_list", texts)]
tasks = rows("mbpp")
for task in tasks:
    task.setdefault("test_setup_code", "")
    task.setdefault("challenge_test_list", [])
    task.setdefault("test_imports", [])
    task["text"] = task["prompt"] = task.get("text", task.get("prompt"))
splits = {"prompt": tasks[:1], "test": tasks[1:4], "train": tasks[4:5], "validation": tasks[5:]}
for split, own in splits.items():
    write(f"mbpp/full/{split}-00000-of-00001.parquet", full, own)
    clean = [{**task, "source_file": "own"} for task in own if not task["test_setup_code"]]
    write(f"mbpp/sanitized/{split}-00000-of-00001.parquet", sanitized, clean)
