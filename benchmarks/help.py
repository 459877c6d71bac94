"""Wall seconds of `mgmt-ansible ... --help`, beside a bare Python start.

    python -m benchmarks.help [ROUNDS]

Prints `goal NAME: VALUE (limit LIMIT) ok|missed` lines.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT_SECONDS = 0.3
LINES = ((), ("deployment",), ("deployment", "launch"), ("up",))


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    script = str(Path(sys.executable).with_name("mgmt-ansible"))
    bare = median_seconds([sys.executable, "-c", "pass"], rounds)
    missed = 0
    for line in LINES:
        seconds = median_seconds([script, *line, "--help"], rounds)
        missed += seconds > LIMIT_SECONDS
        verdict = "ok" if seconds <= LIMIT_SECONDS else "missed"
        name = " ".join((*line, "--help"))
        print(
            f"goal {name}: {seconds:.2f} s, {seconds / bare:.1f} x `python -c pass` (limit {LIMIT_SECONDS} s) {verdict}"
        )
    return 1 if missed else 0


def median_seconds(command: list[str], rounds: int) -> float:
    def once() -> float:
        began = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - began

    return statistics.median(once() for _ in range(rounds))


if __name__ == "__main__":
    raise SystemExit(main())
