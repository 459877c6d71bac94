"""The machine as it is: processes, ports, files that last, and questions over HTTP."""
