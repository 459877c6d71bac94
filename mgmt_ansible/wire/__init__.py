"""Foreign shapes <-> domain: the only rooms that know how a value looks outside."""
