"""`python -m tests.crashes`."""

from __future__ import annotations

from tests.crashes.rounds import main

if __name__ == "__main__":
    raise SystemExit(main())
