"""The machine as it is: processes, ports, files that last, and one question over HTTP."""
