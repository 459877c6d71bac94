"""Execution: runs, inventories and exports through Ansible; the only room that knows ansible-runner and paramiko."""
