"""Names that look like something else: hosts as patterns, options and files; keys as Ansible's own variables."""

from __future__ import annotations

import ast
import re
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionSpec, ActionType
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.execution.inventories import AnsibleInventory
from mgmt_ansible.execution.private_data import limit_text
from mgmt_ansible.rendering.runs import render_run
from mgmt_ansible.rendering.unsafe import wrap_unsafe
from tests.hostile.injections import PACKAGE
from tests.hostile.payloads import PAYLOADS
from tests.integration.loopback_runs import ENVIRONMENT, make_installation

ROOT = Path(__file__).resolve().parents[2]
HOSTILE_HOSTS = [
    "", "-oProxyCommand=x", "-v", "-F/tmp/x", "@file", "all", "ungrouped", "all:!x", "web:db", "a:b", "web*", "web?", "~web.*",
    "web[0]", "web[0:3]", "[a-z]", "!web", "&web", "a,b", "a b", "a\nb", "web\n", "{{ x }}", "$(x)", "`x`", "a;b", "a|b",
    "a/b", "../x", "a\\b", "a'b", 'a"b', "\uff57eb", "w\u0435b", "web\u200b", "web\u202e", "w" * 254, "user@host", "ssh://host:1", "::g",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_HOSTS)
def test_a_host_name_that_a_limit_could_misread_is_refused(name: str):
    """Patterns, ranges, groups, files, options, separators, look-alikes."""
    with pytest.raises(errors.InventoryError, match="cannot be used"):
        limit_text(["web1", name])


@pytest.mark.parametrize(
    "name", ["web1", "WEB-1.example.org", "_x", "10.0.0.1", "::1", "[::1]", "fe80::1", "2001:db8::1.2.3.4"]
)
def test_ordinary_host_names_are_taken(name: str):
    """Names, addresses of both kinds."""
    assert f"{name}\n" == limit_text([name])


@pytest.mark.parametrize("number", range(0, len(PAYLOADS), 29))
def test_no_payload_is_a_host_name(number: int):
    """A sample; none of them is made of letters and digits alone."""
    if re.fullmatch(r"[A-Za-z0-9._-]+", PAYLOADS[number]) is None:
        with pytest.raises(errors.InventoryError):
            limit_text([PAYLOADS[number]])


@given(st.lists(st.text(min_size=1, max_size=20)))
def test_a_limit_has_a_line_a_host_whatever_they_are_called(names: list[str]):
    """Either all of them, or none."""
    try:
        text = limit_text(names)
    except errors.InventoryError:
        return
    assert names == text.splitlines()


@pytest.mark.parametrize("name", ["-oProxyCommand=touch x", "web db", "{{ lookup('pipe', 'id') }}"])
def test_an_inventory_with_such_a_host_is_refused_as_a_whole(name: str, tmp_path: Path):
    """Ansible itself reads it, and says the name as it is; nothing is run."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"web1": {}, name: {}}}}))
    binding = EnvironmentBinding(environment_id=ENVIRONMENT, inventory=inventory)
    asked = AnsibleInventory(bindings={ENVIRONMENT: binding}, installation=make_installation(), inherited={})

    with pytest.raises(errors.InventoryError):
        asked.resolve(ENVIRONMENT)


@pytest.mark.parametrize(
    "key", ["action\n", "ansible_remote_tmp", "Ansible", "ansible remote", "{{ x }}", "__ansible_unsafe", "a.b", "ä"]
)
def test_a_key_outside_of_the_schema_is_refused(key: str):
    """Keys are never marked, so none may come from outside."""
    with pytest.raises(errors.RenderError, match="is not a key"):
        wrap_unsafe({key: "x"})


def keys_of(value: object) -> set[str]:
    """Every key of nested mappings but the mark."""
    if isinstance(value, dict):
        return {key for key in value if key != "__ansible_unsafe"} | {
            name for one in value.values() for name in keys_of(one)
        }
    return {name for one in value for name in keys_of(one)} if isinstance(value, list) else set()


def test_no_text_of_an_action_ever_becomes_a_key():
    """The variables have one name and the schema's keys, whatever the texts say: nothing can set `ansible_*`."""
    names = [one.name for one in fields(PACKAGE) if one.name not in ("archive_bytes",)]
    hostile = replace(PACKAGE, **dict.fromkeys(names, "ansible_remote_tmp"))
    target = DeploymentTarget(id="ansible_host", label="ansible_connection", generation=1, package=hostile)
    spec = ActionSpec(
        id="environment",
        type=ActionType.DEPLOYMENT_LAUNCH,
        environment_id=ENVIRONMENT,
        environment_name="hostvars",
        deployment=target,
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    binding = EnvironmentBinding(environment_id=ENVIRONMENT, inventory=Path("/x"))
    plain = replace(spec, id="x", environment_name="x", deployment=replace(target, id="x", label="x", package=PACKAGE))

    variables = render_run(spec, attempt=1, hosts=("h",), run_id="r", binding=binding).variables

    assert ["mgmt_event"] == list(variables)
    assert keys_of(render_run(plain, attempt=1, hosts=("h",), run_id="r", binding=binding).variables) == keys_of(
        variables
    )
    assert [] == [key for key in keys_of(variables) if key.startswith("ansible_") or key in ("hostvars", "vars")]


PYTHON = sorted(
    [*(ROOT / "mgmt_ansible").rglob("*.py"), *(ROOT / "playbooks").rglob("*.py"), *(ROOT / "roles").rglob("*.py")]
)


@pytest.mark.parametrize("source", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_from_outside_is_run_or_unpickled(source: Path):
    """Programs are started by their arguments, one by one; no file of a model is ever an object of ours."""
    calls = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    shells = [
        call.lineno for call in calls if any(word.arg == "shell" and not is_false(word.value) for word in call.keywords)
    ]
    names = [ast.unparse(call.func) for call in calls]

    assert ([], []) == (shells, [name for name in names if name in FORBIDDEN_CALLS])


FORBIDDEN_CALLS = {
    *("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "eval", "exec", "runpy.run_path"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads", "shelve.open"),
    *(
        "joblib.load",
        "dill.load",
        "dill.loads",
        "cloudpickle.load",
        "cloudpickle.loads",
        "torch.load",
        "numpy.load",
        "np.load",
    ),
    *("yaml.full_load", "yaml.unsafe_load", "yaml.load_all"),
}


def is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


@pytest.mark.parametrize(
    "source",
    sorted([*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "roles").rglob("*.yml")]),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_playbook_and_no_role_uses_a_shell(source: Path):
    """Neither `shell` nor `raw`, nor a lookup that runs or reads something."""
    text = source.read_text()

    assert [] == re.findall(r"^\s*-?\s*(?:ansible\.builtin\.)?(?:shell|raw|script|expect):", text, re.MULTILINE)
    assert [] == re.findall(r"\b(?:lookup|query|q)\s*\(|\|\s*(?:safe|from_yaml)\b", text)


@pytest.mark.parametrize("template", sorted((ROOT / "mgmt_ansible").rglob("*.html")), ids=lambda path: path.name)
def test_no_page_turns_escaping_off(template: Path):
    """Autoescape holds for every value."""
    assert [] == re.findall(r"\|\s*safe\b|autoescape\s+false|Markup\(", template.read_text())
