"""Texts that would create a file if anybody read them as anything but text; `CANARY` stands for its path."""

from __future__ import annotations

from itertools import chain, zip_longest

_PIPE = "lookup('pipe', 'touch CANARY')"

_EXPRESSIONS = (
    _PIPE,
    "query('ansible.builtin.pipe', 'touch CANARY')",
    "q('pipe', 'touch CANARY') | first",
    "lookup('ansible.builtin.pipe', \"touch CANARY\")",
    "lookup('lines', 'touch CANARY')",
    "cycler.__init__.__globals__.os.system('touch CANARY')",
    "self.__init__.__globals__.__builtins__.__import__('os').system('touch CANARY')",
    "''.__class__.__mro__[1].__subclasses__()",
    "lookup('template', 'CANARY')",
    "hostvars[inventory_hostname]['x'] | default(lookup('pipe', 'touch CANARY'))",
    "lookup('vars', 'mgmt_event') ~ lookup('pipe', 'touch CANARY')",
    "now() ~ lookup('pipe', 'touch CANARY')",
)

_TEMPLATES = (
    "{{ EXPR }}",
    "{{EXPR}}",
    "x{{- EXPR -}}y",
    "{% set x = EXPR %}",
    "{% if EXPR %}a{% endif %}",
    "{%- for x in [EXPR] -%}{{ x }}{%- endfor -%}",
    "{# a #}{{ EXPR }}{# b #}",
    "{{ '{{' }} EXPR {{ '}}' }}",
    '{{ "{{ EXPR }}" }}',
    "{% raw %}{{ x }}{% endraw %}{{ EXPR }}",
    "#jinja2: variable_start_string:'[%', variable_end_string:'%]'\n[% EXPR %]",
    "#jinja2:trim_blocks:False\n{{ EXPR }}",
)

_COMMANDS = ("touch CANARY", "echo x>CANARY", 'python3 -c \'open("CANARY","w")\'')

_SHELL = (
    "$(COMMAND)",
    "`COMMAND`",
    "; COMMAND;",
    "| COMMAND",
    "|| COMMAND #",
    "&& COMMAND #",
    "& COMMAND &",
    "\nCOMMAND\n",
    "\r\nCOMMAND\r\n",
    "'; COMMAND; '",
    '"; COMMAND; "',
    "'\"'\"'; COMMAND; '\"'\"'",
    "\\'; COMMAND; \\'",
    '\\"; COMMAND; \\"',
    "${IFS}$(COMMAND)${IFS}",
    "<(COMMAND)",
    "x\n* * * * * COMMAND\n@reboot COMMAND\n",
    "$((0))$(COMMAND)",
    "!COMMAND",
    "a' $(COMMAND) 'b",
    'a" $(COMMAND) "b',
    "\x00; COMMAND",
    "%0a COMMAND",
    "~/$(COMMAND)",
)

_YAML = (
    '!!python/object/apply:os.system ["touch CANARY"]',
    '!!python/object/new:os.system ["touch CANARY"]',
    '!!python/object/apply:subprocess.check_output [["touch", "CANARY"]]',
    "!unsafe \"{{ lookup('pipe', 'touch CANARY') }}\"",
    "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3030",
    "- hosts: localhost\n  tasks:\n  - command: touch CANARY",
    "x\n- name: more\n  command: touch CANARY\n",
    "&a {x: *a, <<: *a, y: \"{{ lookup('pipe', 'touch CANARY') }}\"}",
    "? {{ lookup('pipe', 'touch CANARY') }} : x",
    "|\n  {{ lookup('pipe', 'touch CANARY') }}",
    "'''{{ lookup('pipe', 'touch CANARY') }}'''",
    "\"}}{{ lookup('pipe', 'touch CANARY') }}{{\"",
)

_JSON = (
    "{\"__ansible_unsafe\": \"{{ lookup('pipe', 'touch CANARY') }}\"}",
    '{"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256"}',
    '{"__ansible_type": "_TaggedStr", "value": "{{ lookup(\'pipe\', \'touch CANARY\') }}"}',
    '{"ansible_remote_tmp": "$(touch CANARY)"}',
    '{"ansible_ssh_common_args": "-o ProxyCommand=\'touch CANARY\'"}',
    '{"ansible_connection": "local", "ansible_python_interpreter": "touch CANARY;"}',
    '{"ansible_facts": {"ansible_remote_tmp": "$(touch CANARY)"}}',
    '{"ansible_become_exe": "touch CANARY; sudo"}',
    "[\"{{ lookup('pipe', 'touch CANARY') }}\"]",
    '", "x": "{{ lookup(\'pipe\', \'touch CANARY\') }}", "y": "',
    "'}, 'cmd': 'touch CANARY', 'x': {'",
    '{"mgmt_event": {"action": "{{ lookup(\'pipe\', \'touch CANARY\') }}"}}',
    "{{ {'__ansible_unsafe': lookup('pipe', 'touch CANARY')} }}",
)

_ASSIGNMENTS = (
    *(
        f"{name}={value}"
        for name in (
            "ansible_remote_tmp",
            "ansible_ssh_executable",
            "ansible_shell_executable",
            "ansible_ssh_extra_args",
        )
        for value in ("$(touch CANARY)", "touch CANARY;", "-oProxyCommand=touch${IFS}CANARY")
    ),
    "_raw_params=touch CANARY",
    "cmd='touch CANARY' _uses_shell=True",
    "chdir=/ creates=x touch CANARY",
    "free_form=touch CANARY",
)

_HOSTS_AND_OPTIONS = (
    "-oProxyCommand=touch CANARY",
    "--become-password-file=CANARY",
    "-e x={{ lookup('pipe', 'touch CANARY') }}",
    "--extra-index-url=file:///CANARY",
    "@CANARY",
    "all:!x",
    "localhost,",
    "~.*",
    "host[0:9]",
    "web*",
    "localhost ansible_connection=local ansible_remote_tmp=$(touch CANARY)",
    "127.0.0.1\nx ansible_connection=local",
    "../../../../../../CANARY",
    "/CANARY",
    "a/../../CANARY",
    "..\\..\\CANARY",
    "file:///CANARY",
    "http://127.0.0.1:1/CANARY",
    "CON",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "~root",
)

_FORMATS = (
    "%s%s%s%n",
    "%(x)s touch CANARY",
    "%x" * 20,
    "{0.__class__.__init__.__globals__}",
    "{__import__('os').system('touch CANARY')}",
    "${__import__('os').system('touch CANARY')}",
    "<%= `touch CANARY` %>",
    "<%! import os %><% os.system('touch CANARY') %>",
    "#{`touch CANARY`}",
    "%i%I%n%u systemd $(touch CANARY)",
    "__import__('os').system('touch CANARY')",
    "eval(\"__import__('os').system('touch CANARY')\")",
    "'; DROP TABLE actions; --",
    "<script>fetch('/touch?CANARY')</script>",
    "]]><!ENTITY x SYSTEM 'file:///CANARY'>",
)

_DISGUISES = (
    lambda text: text.replace("{{", "\uff5b\uff5b").replace("}}", "\uff5d\uff5d"),  # full width
    lambda text: text.replace("{{", "{\u200b{").replace("}}", "}\u200b}"),  # zero width space
    lambda text: text.replace("{{", "{\u2060{ {{"),  # word joiner, then the real one
    lambda text: "\u202e" + text + "\u202c",  # right to left override
    lambda text: "\ufeff" + text,  # byte order mark
    lambda text: text.replace("lookup", "l\u043e\u043ekup") + text,  # Cyrillic o
    lambda text: text.replace("{{", "\\u007b\\u007b"),
    lambda text: text.replace("{{", "\\x7b\\x7b"),
    lambda text: text.replace("{{", "&#123;&#123;"),
    lambda text: text.replace("{{", "%7B%7B").replace("}}", "%7D%7D"),
    lambda text: text.replace(" ", "\u00a0"),
    lambda text: text.replace(" ", "\t"),
    lambda text: text.replace(" ", "\n"),
    lambda text: text.replace("{{", "{\x00{ {{"),
    lambda text: text + "\x1b]0;CANARY\x07",
    lambda text: "e\u0301" * 40 + text,
    lambda text: text * 30,
    lambda text: "x" * 60_000 + text,
    lambda text: "\U0001f4a3" + text,
    lambda text: "'" + text + '"',
)


def _templates() -> list[str]:
    return [frame.replace("EXPR", one) for frame in _TEMPLATES for one in _EXPRESSIONS]


def _shell() -> list[str]:
    return [frame.replace("COMMAND", one) for frame in _SHELL for one in _COMMANDS]


def _all() -> tuple[str, ...]:
    disguised = [change("{{ " + _PIPE + " }}") for change in _DISGUISES]
    kinds = (_templates(), _shell(), _YAML, _JSON, _ASSIGNMENTS, _HOSTS_AND_OPTIONS, _FORMATS, disguised)
    mixed = chain.from_iterable(zip_longest(*kinds))
    return tuple(dict.fromkeys(text for text in mixed if text is not None))


PAYLOADS = _all()
"""Every kind from the beginning on, so that the first few are a sample of all."""


def payload(number: int, canary: str) -> str:
    """Return a payload with the path of its canary; numbers beyond the last begin again."""
    return PAYLOADS[number % len(PAYLOADS)].replace("CANARY", canary)
