"""Looking at a host without changing it: what serves, what is left, and the proof of a failure."""
