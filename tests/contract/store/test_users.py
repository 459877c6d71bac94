"""Users: who they are, what their tokens may, and when their sessions end."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site

PASSWORD = "correct horse battery"
HERE = "127.0.0.1"


@pytest.fixture
def ann(site: Site) -> api_v2.User:
    """A deployer, beside an administrator's token."""
    site.services.access.create_token(name="root", kind="user")
    return add(site, "Ann", Role.DEPLOYER)


def add(site: Site, name: str, role: Role, password: str | None = PASSWORD) -> api_v2.User:
    return site.services.users.create_user(api_v2.UserIn(name=name, role=role, password=password))


def change(site: Site, user: api_v2.User, **fields: object) -> api_v2.User:
    return site.services.users.change_user(user.id, api_v2.UserPatch(**fields))


def sign_in(site: Site, name: str = "ann", password: str = PASSWORD) -> str:
    return site.services.sign_ins.with_password(name, password, address=HERE)


def token_of(site: Site, user: api_v2.User, role: Role = Role.ADMIN) -> Principal:
    token = site.services.access.create_token(name="laptop", kind="user", role=role, user_id=user.id).token
    return site.services.access.authenticate(f"Bearer {token}")


def test_a_user_signs_in_whatever_the_case_of_the_name(site: Site, ann: api_v2.User):
    """With the role of the user, and when it was is remembered."""
    principal = site.services.access.session(sign_in(site, "ANN"))

    assert ("Ann", Role.DEPLOYER, ann.id) == (principal.name, principal.role, principal.user_id)
    assert site.clock() == site.services.users.get_user(ann.id).signed_in_at


def test_no_answer_tells_a_password_or_its_hash(site: Site, ann: api_v2.User):
    """The database holds the hash only."""
    with site.store.read() as tx:
        stored = tx.users.record(ann.id).password_hash or ""

    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored
    assert "argon2" not in site.services.users.list_users().model_dump_json()


@pytest.mark.parametrize(
    ("name", "password"), [("nobody", PASSWORD), ("ann", "wrong"), ("ann", ""), ("silent", PASSWORD)]
)
def test_whatever_is_wrong_is_answered_alike(site: Site, ann: api_v2.User, name: str, password: str):
    """An unknown name, a wrong password, and a user without one."""
    add(site, "silent", Role.VIEWER, None)

    with pytest.raises(errors.AccessError, match="name or the password is wrong"):
        sign_in(site, name, password)


def test_a_users_token_may_what_both_may(site: Site, ann: api_v2.User):
    """The lesser role; its actor is user and token."""
    principal = token_of(site, ann)

    assert ("Ann/laptop", Role.DEPLOYER) == (principal.name, principal.role)


def test_a_users_token_follows_the_users_role(site: Site, ann: api_v2.User):
    """At its next use."""
    site.services.access.create_token(name="ci", kind="user", role=Role.OPERATOR, user_id=ann.id)
    change(site, ann, role=Role.VIEWER)

    assert Role.VIEWER is token_of(site, ann, Role.OPERATOR).role


@pytest.mark.parametrize("fields", [{"disabled": True}, {"role": Role.VIEWER}, {"password": "another good secret"}])
def test_sessions_end_when_a_user_may_less_or_has_a_new_password(site: Site, ann: api_v2.User, fields: dict):
    """Those that a token of the user opened, too, and links that are not used yet."""
    access = site.services.access
    token = access.create_token(name="laptop", kind="user", role=Role.DEPLOYER, user_id=ann.id).token or ""
    code = access.create_login_link(access.authenticate(f"Bearer {token}")).path.partition("=")[2]
    sessions = [sign_in(site), access.token_login(token)]

    change(site, ann, **fields)

    assert [False, False] == [access.admits(header=None, cookie=session) for session in sessions]
    with pytest.raises(errors.AccessError):
        access.redeem(code)


def test_a_stream_of_a_users_token_ends_with_another_scope(site: Site, ann: api_v2.User):
    """The token is good still, and what began with it showed more than it may show now."""
    access = site.services.access
    header = f"Bearer {access.create_token(name='ci', kind='user', role=Role.VIEWER, user_id=ann.id).token}"
    before = access.authenticate(header)
    admitted = [access.admits(header=header, cookie=None, as_before=before)]

    change(site, ann, prediction_environment_ids=[site.environment.id])

    admitted.append(access.admits(header=header, cookie=None, as_before=before))
    assert [True, False] == admitted


def test_a_greater_role_ends_nothing(site: Site, ann: api_v2.User):
    """It holds at the next request."""
    session = sign_in(site)

    change(site, ann, role=Role.ADMIN)

    assert Role.ADMIN is site.services.access.session(session).role


def test_a_disabled_user_is_out_until_enabled_again(site: Site, ann: api_v2.User):
    """By password and by token."""
    token = site.services.access.create_token(name="laptop", kind="user", user_id=ann.id).token
    change(site, ann, disabled=True)

    with pytest.raises(errors.AccessError):
        sign_in(site)
    with pytest.raises(errors.AccessError):
        site.services.access.authenticate(f"Bearer {token}")

    change(site, ann, disabled=False)
    assert site.services.access.session(sign_in(site))
    assert site.services.access.authenticate(f"Bearer {token}")


@pytest.mark.parametrize("fields", [{"disabled": True}, {"role": Role.DEPLOYER}])
def test_the_last_administrator_is_not_lost(site: Site, fields: dict):
    """A token of the same user does not count for another."""
    user = add(site, "root", Role.ADMIN)
    site.services.access.create_token(name="laptop", kind="user", user_id=user.id)

    with pytest.raises(errors.ConflictError, match="administrate"):
        change(site, user, **fields)

    assert Role.ADMIN is site.services.users.get_user(user.id).role


def test_users_and_tokens_share_their_names(site: Site, ann: api_v2.User):
    """So that an actor is one of them."""
    with pytest.raises(errors.ConflictError):
        add(site, "aNN", Role.VIEWER)
    with pytest.raises(errors.ConflictError):
        site.services.access.create_token(name="ann", kind="user")
    with pytest.raises(errors.ConflictError):
        add(site, "root", Role.VIEWER)


def test_a_name_is_no_password(site: Site):
    """422, and the message names the field."""
    with pytest.raises(errors.InvalidRequestError, match="password"):
        add(site, "administrator", Role.VIEWER, "Administrator")


def test_a_name_is_tried_ten_times_then_slowly(site: Site, ann: api_v2.User):
    """Known or not, and from wherever; a good one before does not count."""
    sign_in(site)
    for number in range(10):
        with pytest.raises(errors.AccessError, match="wrong"):
            site.services.sign_ins.with_password("nobody", "x", address=f"10.0.0.{number}")

    with pytest.raises(errors.TooManyRequestsError) as refused:
        site.services.sign_ins.with_password("Nobody", "x", address="10.0.0.99")

    assert 0 < refused.value.seconds <= 30
    assert sign_in(site)


def test_an_address_is_tried_thirty_times_whatever_it_tries(site: Site):
    """Tokens and links too."""
    for number in range(30):
        with pytest.raises(errors.AccessError, match=r"unknown|used"):
            (site.services.sign_ins.with_token if number % 2 else site.services.sign_ins.with_link)("x", address=HERE)

    with pytest.raises(errors.TooManyRequestsError):
        site.services.sign_ins.with_link("x", address=HERE)
