"""The errors of the project, one tree.

```
MgmtAnsibleError                     code              a caller may
|- ConfigError                       config            fix the settings (message carries the path a/b/c)
|- InvalidRequestError               invalid_request   fix the input (message names the field)
|  |- ArchiveError                   archive           send another archive
|  '- RenderError                    render            fix the request: no playbook, missing input
|- AccessError                       access            send a valid token
|  |- ForbiddenError                 forbidden         use a token with that role or environment
|  '- TooManyRequestsError           too_many_requests wait as long as it says
|- NotFoundError                     not_found         name another id
|  '- GoneError                      gone              nothing: it was deleted before
|- ConflictError                     conflict          reload and try again
|  |- TransitionError                transition        wait for, or cancel, what is under way
|  '- ClaimLostError                 claim_lost        drop the work: somebody else holds the action
|- ExecutionError                    execution         look at the agent's host
|  |- RunnerUnavailableError         runner_unavailable  install Ansible or fix `ansible.bin_dir`
|  |- InventoryError                 inventory         fix the inventory that Ansible refused
|  '- ParseError                     parse             report: Ansible sent what we do not know
|- StoreError                        store             look at the database
|  '- StoreUnavailableError          store_unavailable retry later
|- ControlPlaneError                 control_plane     read the answer of the control plane
|  |- ControlPlaneUnavailableError   control_plane_unavailable  retry later
|  '- WaitTimeoutError               wait_timeout      look again: the action goes on
|- PluginError                       plugin            look at the named plugin
'- QuickstartError                   quickstart        do what the message says
```

A failed host is not an error but an outcome (`mgmt_ansible.domain.outcomes`): exceptions are for broken promises of our
code, our settings or our environment. Codes are stable; HTTP statuses and exit codes are mapped to them in one table each
(`control_plane/api`, `cli`).
"""

from __future__ import annotations


class MgmtAnsibleError(Exception):
    """The root of every error that this project raises on purpose."""

    code = "internal"


class ConfigError(MgmtAnsibleError):
    """Settings cannot be used; the message starts with the path of the setting."""

    code = "config"


class InvalidRequestError(MgmtAnsibleError):
    """Input from outside is not acceptable; the message names the field."""

    code = "invalid_request"


class ArchiveError(InvalidRequestError):
    """An archive is broken, hostile, too large, or not a model package."""

    code = "archive"


class RenderError(InvalidRequestError):
    """An action cannot be rendered into a run."""

    code = "render"


class AccessError(MgmtAnsibleError):
    """No token, or one that is unknown, expired or revoked."""

    code = "access"


class ForbiddenError(AccessError):
    """The token is valid but may not do this."""

    code = "forbidden"


class TooManyRequestsError(AccessError):
    """Somebody asks too often; `seconds` says when to come again."""

    code = "too_many_requests"

    def __init__(self, message: str, *, seconds: float = 1.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotFoundError(MgmtAnsibleError):
    """Nothing has this id; the message names kind and id."""

    code = "not_found"


class GoneError(NotFoundError):
    """It was there, and was deleted."""

    code = "gone"


class ConflictError(MgmtAnsibleError):
    """The request does not fit what is there now."""

    code = "conflict"


class TransitionError(ConflictError):
    """The deployment's state does not allow the action; the message lists what is allowed."""

    code = "transition"


class ClaimLostError(ConflictError):
    """The claim expired or belongs to a higher attempt."""

    code = "claim_lost"


class ExecutionError(MgmtAnsibleError):
    """A run could not be executed at all."""

    code = "execution"


class RunnerUnavailableError(ExecutionError):
    """Ansible is missing, or the private data directory cannot be written."""

    code = "runner_unavailable"


class InventoryError(ExecutionError):
    """Ansible could not read the inventory; the message carries its own words."""

    code = "inventory"


class ParseError(ExecutionError):
    """Runner events have a shape that is not known."""

    code = "parse"


class StoreError(MgmtAnsibleError):
    """The database refused."""

    code = "store"


class StoreUnavailableError(StoreError):
    """The database cannot be reached, is locked, or its disk is full."""

    code = "store_unavailable"


class ControlPlaneError(MgmtAnsibleError):
    """The control plane answered with an error that has no class of its own here."""

    code = "control_plane"


class ControlPlaneUnavailableError(ControlPlaneError):
    """The control plane did not answer, or answered 502, 503 or 504."""

    code = "control_plane_unavailable"


class WaitTimeoutError(ControlPlaneError):
    """An action was not final in the time that the caller would wait; it goes on."""

    code = "wait_timeout"


class PluginError(MgmtAnsibleError):
    """A plugin broke its contract; the message names plugin and action."""

    code = "plugin"


class QuickstartError(MgmtAnsibleError):
    """`up` or `demo` cannot go on; the message says what to do."""

    code = "quickstart"
