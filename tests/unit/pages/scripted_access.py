"""Who signs in, written down beforehand: ada, with a session, a token, a link or a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mgmt_ansible import errors
from mgmt_ansible.control_plane import access
from mgmt_ansible.wire.audit import AuditPage
from tests.unit.pages.scripted_values import page_of

if TYPE_CHECKING:
    from tests.unit.pages.scripted_services import Scripted

SESSION = "session-of-ada"
TOKEN = "mga_" + "t" * 43
CODE = "one-time-code"
PASSWORD = "correct horse battery"


@dataclass
class ScriptedAccess:
    script: Scripted

    def session(self, cookie):
        if cookie not in self.script.sessions:
            raise errors.AccessError("session: none")
        return access.Principal(token_id="t" * 24, name="ada", kind="user", role=self.script.role)

    def list_tokens(self, *, limit=50, offset=0):
        return page_of([], limit, offset)

    def admits(self, *, header, cookie, as_before):
        return cookie in self.script.sessions

    def sign_out(self, cookie):
        self.script.sessions.discard(cookie)


@dataclass
class ScriptedSignIns:
    script: Scripted

    def with_link(self, code, *, address):
        if code not in self.script.codes:
            raise errors.AccessError("login code: unknown or used")
        self.script.codes.discard(code)
        return SESSION

    def with_token(self, token, *, address):
        if token != TOKEN:
            raise errors.AccessError("token: unknown")
        return SESSION

    def with_password(self, name, password, *, address):
        if (name, password) != ("ada", PASSWORD):
            raise errors.AccessError("the name or the password is wrong")
        return SESSION


class ScriptedUsers:
    def list_users(self, *, limit=50, offset=0):
        return page_of([], limit, offset)


class ScriptedAudit:
    def refused(self, request, reason):
        """Nobody asks for it."""

    def list_entries(self, filters, *, before=None, limit=50):
        return AuditPage(count=0, total_count=0, data=[], older=None)
