"""Large objects go through little memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lakelet.session import Workspace
from storage.conftest import Server, root_of

PROGRAM = """
import gzip, sys
import lakelet
ws = lakelet.open(sys.argv[1])
whole = 0
with ws.open("raw:big.gz") as packed, gzip.GzipFile(fileobj=packed) as file:
    while block := file.read(1 << 20):
        whole += len(block)
# Not getrusage, whose peak begins with that of the process that started this one.
status = open("/proc/self/status").read().split()
print(whole, int(status[status.index("VmHWM:") + 1]) >> 10)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_large_object_is_streamed(s3: Server, bucket_ws: Workspace) -> None:
    import gzip
    import os

    block = os.urandom(1 << 20)
    packed = gzip.compress(block * 4, 1) * 75  # 300 MB that do not shrink
    s3.put(f"{root_of(bucket_ws)}/raw/big.gz", packed)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(bucket_ws.folder.root)],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    whole, peak = map(int, done.stdout.split())
    assert whole == 300 << 20
    assert peak < 150, f"{peak} MB"
