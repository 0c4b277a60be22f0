# What the scripts share: where the checkout is, how to talk, and how to install a system package.
# Sourced, never run. Every script then works from any folder, with the checkout as its own.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
python=$root/.venv/bin/python

# Prints the comment at the top of the running script, which is its help.
show_help() {
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$root/scripts/$(basename "$0")"
}

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "error: $*"
    exit 1
}

# Runs a command without its output, unless it fails.
quietly() {
    local output
    if ! output=$("$@" 2>&1 </dev/null); then
        say "$output"
        return 1
    fi
}

may_be_root() {
    [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=60)
    local install=(install -y --no-install-recommends "$@")
    # A fresh machine has no package lists yet, an old one may have lists of packages that are gone.
    as_root "${apt[@]}" "${install[@]}" >/dev/null 2>&1 ||
        { as_root "${apt[@]}" update && as_root "${apt[@]}" "${install[@]}"; }
}

# Installs a package by the system's own manager; false where that is not possible or not wanted.
system_install() {
    local package=$1 manager install
    for manager in apt-get dnf pacman apk brew none; do
        if command -v "$manager" >/dev/null; then break; fi
    done
    case $manager in
        apt-get) install=(apt_install) ;;
        dnf) install=(as_root dnf install -y -q) ;;
        pacman) install=(as_root pacman -S --noconfirm --needed) ;;
        apk) install=(as_root apk add --quiet) ;;
        brew) install=(brew install --quiet) ;;
        none) return 1 ;;
    esac
    if [ -n "${NO_SYSTEM_PACKAGES:-}" ] || { [ "$manager" != brew ] && ! may_be_root; }; then
        return 1
    fi
    say "Installing $package with $manager ..."
    quietly "${install[@]}" "$package"
}
