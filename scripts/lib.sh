# Sourced by the scripts beside it: the environment in .venv, and programs of the operating system. POSIX sh.
# shellcheck shell=sh
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bin="$root/.venv/bin"
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" # sshd is not on an ordinary user's PATH
export PATH
unset PYTHONDONTWRITEBYTECODE # else each of thousands of short programs compiles all that it imports

say() { printf '==> %s\n' "$*" >&2; }

refuse() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# environment PROFILE: make .venv hold what PROFILE (quickstart or test) needs; at once when it does.
environment() {
    stamp=$(stamp_now)
    installed "$1" && return 0
    mkdir -p "$root/.cache"
    ( # one installation at a time; what it starts does not outlive the parentheses, so neither does the lock
        ! command -v flock >/dev/null || flock 9
        installed "$1" || install_profile "$1"
    ) 9>"$root/.cache/environment.lock"
}

# The profile `test` holds all that `quickstart` does.
installed() {
    for profile in test "$1"; do
        file="$root/.venv/.installed-$profile"
        if [ -r "$file" ] && [ "$(cat "$file")" = "$stamp" ]; then return 0; fi
    done
    return 1
}

stamp_now() {
    cd "$root"
    printf '%s ' "$root"
    cat pyproject.toml hatch_build.py scripts/lib.sh scripts/constraints.txt \
        mgmt_ansible/control_plane/pages/package-lock.json | cksum
}

install_profile() {
    cd "$root"
    if ! "$bin/python" -m pip --version >/dev/null 2>&1; then make_venv; fi
    rm -f .venv/.installed-*
    case $1 in
    quickstart) pip_install -e '.[quickstart]' ;;
    test)
        pip_install 'pip>=25.1' # the first that knows dependency groups
        pip_install -e '.[export,postgresql,quickstart]' --group test --group lint
        ;;
    *) refuse "there is no profile $1" ;;
    esac
    printf '%s\n' "$stamp" >".venv/.installed-$1"
}

make_venv() {
    python=$(find_python) || refuse "Python 3.11 or newer was not found. Next: install it (Debian: apt-get install python3) or set PYTHON to its path"
    say "environment: .venv with $("$python" -V) ($python)"
    rm -rf .venv
    if "$python" -m venv .venv >/dev/null 2>&1; then return 0; fi
    rm -rf .venv # Debian's python3 without python3-venv fails half-way
    say "environment: no venv module, bringing virtualenv into .cache"
    "$python" -m pip --version >/dev/null 2>&1 ||
        refuse "$python has neither venv nor pip. Next: apt-get install python3-venv (or python3-pip)"
    "$python" -m pip install -qq --no-compile --disable-pip-version-check --no-warn-script-location --upgrade \
        --target .cache/virtualenv virtualenv
    PYTHONPATH="$root/.cache/virtualenv" "$python" -m virtualenv --quiet .venv
}

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.14; do
        [ -n "$candidate" ] || continue
        path=$(command -v "$candidate") || continue
        if "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$path"
            return 0
        fi
    done
    return 1
}

# The constraints are what CI tests with; a Python newer than those it knows resolves freely. What is imported is
# compiled then; compiling all of it now would take half a minute.
pip_install() {
    began=$(date +%s)
    say "installing $*"
    constraints='-c scripts/constraints.txt'
    "$bin/python" -c 'import sys; sys.exit(sys.version_info >= (3, 14))' || constraints=''
    # shellcheck disable=SC2086 # two words or none
    "$bin/python" -m pip install -qq --no-compile --disable-pip-version-check $constraints "$@"
    say "installed in $(($(date +%s) - began)) s"
}

# missing PROGRAM:PACKAGE...: print the pairs whose program is not on this machine.
missing() {
    for pair in "$@"; do
        program=${pair%%:*}
        command -v "$program" >/dev/null && continue
        # Debian keeps PostgreSQL's server programs off the PATH
        for path in /usr/lib/postgresql/*/bin/"$program"; do
            [ -x "$path" ] && continue 2
        done
        for path in /usr/lib/*/"$program"; do # a library: lib*.so.*
            [ -e "$path" ] && continue 2
        done
        printf '%s ' "$pair"
    done
}

# os_programs must|may PROGRAM:PACKAGE...: as root install what is missing; else `must` stops and `may` only tells.
os_programs() {
    need=$1
    shift
    absent=$(missing "$@")
    [ -n "$absent" ] || return 0
    packages=''
    programs=''
    for pair in $absent; do
        programs="$programs ${pair%%:*}"
        packages="$packages ${pair##*:}"
    done
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt_install "$packages"
        return 0
    fi
    advice="missing:$programs. Next: let an administrator run: apt-get update && apt-get install -y --no-install-recommends$packages"
    [ "$need" = may ] || refuse "$advice"
    say "$advice (tests that need them are skipped)"
}

# A package's own service must not start by being installed: the project starts what it needs, privately on loopback.
apt_install() {
    say "apt-get install$1"
    policy=/usr/sbin/policy-rc.d
    ours=''
    if [ ! -e "$policy" ]; then
        ours=$policy
        trap 'rm -f "$ours"' EXIT
        trap 'exit 130' INT TERM # dash skips the trap above when a signal ends it
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    log="$root/.cache/apt.log"
    mkdir -p "$root/.cache"
    # shellcheck disable=SC2086 # a list of words
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $1; } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        refuse "apt-get failed; all of its words are in $log"
    fi
    if [ -n "$ours" ]; then
        rm -f "$ours"
        trap - EXIT INT TERM
    fi
}
