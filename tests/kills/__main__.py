"""`python -m tests.kills`."""

from __future__ import annotations

from tests.kills.campaigns import main

if __name__ == "__main__":
    raise SystemExit(main())
