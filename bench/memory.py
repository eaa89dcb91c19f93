"""Peak memory of loads that a careless loader would hold in memory."""

from __future__ import annotations

import os
import shutil

from measure import DATA, process, save
from raw_data import write_array, write_gzip, write_wide

SCALE = float(os.environ.get("BENCH_GB", "1"))
ROOT = DATA / "memory"


def main() -> None:
    DATA.mkdir(exist_ok=True)
    found = {}
    for name, path in {
        "json_array_1_gb": write_array(DATA / "array.json", int(1e9 * SCALE)),
        "gzip_4_gb": write_gzip(DATA / "big.jsonl.gz", int(4e9 * SCALE)),
        "rows_of_2000_fields": write_wide(DATA / "wide.jsonl", int(2e8 * SCALE)),
    }.items():
        shutil.rmtree(ROOT, ignore_errors=True)
        cost = process(
            f"import lakelet; ws = lakelet.init({str(ROOT)!r}); "
            f"r = ws.load({str(path)!r}, into='t.t'); print(r.kept, r.rescued, r.rejected)"
        )
        found[name] = {"peak_mib": cost.peak, "cpu_s": cost.cpu, "rows": cost.output.strip()}
        print(name, found[name], flush=True)
    save("memory", found)


if __name__ == "__main__":
    main()
