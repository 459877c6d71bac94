"""Access: tokens, login links and sessions on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane import data_folder
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.domain.roles import Role
from tests.contract.store.sites import Site


@pytest.fixture
def ann(site: Site) -> Principal:
    site.services.access.create_token(name="root", kind="user")
    token = site.services.access.create_token(name="ann", kind="user")
    return site.services.access.authenticate(f"Bearer {token.token}")


@pytest.mark.parametrize("spelling", ["Bearer {}", "Token {}", "Bearer  {}", "bearer {} "])
def test_a_token_is_known_in_every_spelling(site: Site, spelling: str):
    """The vendor's clients send three."""
    token = site.services.access.create_token(name="ann", kind="user")

    assert "ann" == site.services.access.authenticate(spelling.format(token.token)).name


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "Bearer mga_wrong", "Bearer a b", "Bearer \ud800"])
def test_anything_else_is_refused(site: Site, header: str):
    """Without saying what was nearly right."""
    with pytest.raises(errors.AccessError):
        site.services.access.authenticate(header)


def test_a_token_begins_with_its_mark(site: Site):
    """Secret scanners know it; 32 random bytes follow."""
    token = site.services.access.create_token(name="ann", kind="user").token

    assert token is not None
    assert token.startswith("mga_")
    assert 47 == len(token)


def test_a_list_never_tells_a_token(site: Site, ann: Principal):
    """Nor does the database hold it."""
    assert {None} == {token.token for token in site.services.access.list_tokens().data}


def test_a_revoked_token_is_unknown_and_its_session_over(site: Site):
    """At once."""
    token = site.services.access.create_token(name="ann", kind="user", role=Role.VIEWER)
    site.services.access.create_token(name="root", kind="user")
    session = site.services.access.token_login(token.token or "")

    site.services.access.revoke(token.id)

    with pytest.raises(errors.AccessError):
        site.services.access.authenticate(f"Bearer {token.token}")
    with pytest.raises(errors.AccessError):
        site.services.access.session(session)


def test_an_agents_token_names_environments_that_exist(site: Site):
    """None, or an unknown one, is refused."""
    with pytest.raises(errors.InvalidRequestError):
        site.services.access.create_token(name="a", kind="agent")
    with pytest.raises(errors.NotFoundError):
        site.services.access.create_token(name="a", kind="agent", environment_ids=["gone"])


def test_a_name_is_free_again_after_revoking(site: Site, ann: Principal):
    """While it is in use, it is refused."""
    with pytest.raises(errors.ConflictError, match="ann"):
        site.services.access.create_token(name="ann", kind="user")
    site.services.access.revoke(ann.token_id)

    assert "ann" == site.services.access.create_token(name="ann", kind="user").name


def test_a_login_link_works_once(site: Site, ann: Principal):
    """It opens a session of whoever made it."""
    code = site.services.access.create_login_link(ann).path.partition("code=")[2]

    session = site.services.access.redeem(code)

    assert ann == site.services.access.session(session)
    with pytest.raises(errors.AccessError, match="used or is too old"):
        site.services.access.redeem(code)


def test_a_login_link_is_good_for_12_hours(site: Site, ann: Principal):
    """And not a second longer."""
    code = site.services.access.create_login_link(ann).path.partition("code=")[2]
    site.clock.pass_seconds(12 * 3600)

    with pytest.raises(errors.AccessError):
        site.services.access.redeem(code)


def test_a_session_is_good_for_7_days_of_use(site: Site, ann: Principal):
    """Then one signs in again, however busy one was."""
    code = site.services.access.create_login_link(ann).path.partition("code=")[2]
    session = site.services.access.redeem(code)
    for _ in range(14):
        assert ann == site.services.access.session(session)
        site.clock.pass_seconds(12 * 3600 - 1)
    site.clock.pass_seconds(14)

    with pytest.raises(errors.AccessError, match="sign in again"):
        site.services.access.session(session)


def test_a_session_that_is_left_alone_ends_after_12_hours(site: Site, ann: Principal):
    """An open stream is no use of it, a request is."""
    access = site.services.access
    session = access.redeem(access.create_login_link(ann).path.partition("code=")[2])
    site.clock.pass_seconds(11 * 3600)
    assert access.admits(header=None, cookie=session)
    site.clock.pass_seconds(3600)

    assert not access.admits(header=None, cookie=session)
    with pytest.raises(errors.AccessError, match="sign in again"):
        access.session(session)


def test_the_last_administrator_stays(site: Site):
    """Nobody locks everybody out."""
    token = site.services.access.create_token(name="ann", kind="user")
    site.services.access.create_token(name="bob", kind="user", role=Role.DEPLOYER)

    with pytest.raises(errors.ConflictError, match="administrate"):
        site.services.access.revoke(token.id)

    assert "ann" == site.services.access.authenticate(f"Bearer {token.token}").name


def test_signing_out_ends_the_session(site: Site, ann: Principal):
    """Twice is fine."""
    code = site.services.access.create_login_link(ann).path.partition("code=")[2]
    session = site.services.access.redeem(code)

    site.services.access.sign_out(session)
    site.services.access.sign_out(session)

    with pytest.raises(errors.AccessError):
        site.services.access.session(session)


def test_an_agents_token_does_not_open_pages(site: Site):
    """Pages are for people."""
    token = site.services.access.create_token(name="b", kind="agent", environment_ids=[site.environment.id])

    with pytest.raises(errors.AccessError, match="agent"):
        site.services.access.token_login(token.token or "")


def test_of_many_first_starts_one_makes_the_token(site: Site, tmp_path: Path):
    """And the file holds the token that is good."""
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: data_folder.write_first_token(tmp_path, site.services.access), range(6)))

    token = (tmp_path / data_folder.FIRST_TOKEN).read_text().strip()
    assert "admin" == site.services.access.authenticate(f"Bearer {token}").name
