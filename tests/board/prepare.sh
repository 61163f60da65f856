#!/bin/bash
# Make what the emulated boards need: two arm64 Debian trees as a Raspberry Pi has them, and the wheels for their Pythons.
# They lie under EDGELENS_BOARDS (default: this user's cache); a second call finds everything there and is done at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
boards=${EDGELENS_BOARDS:-${XDG_CACHE_HOME:-$HOME/.cache}/edgelens/boards}
python=${PYTHON:-python3}
constraints=$here/../../constraints.txt
mkdir -p "$boards"
exec 9>"$boards/.lock"
flock 9

need=()
command -v qemu-aarch64-static >/dev/null || need+=(qemu-user-static)
command -v mmdebstrap >/dev/null || need+=(mmdebstrap)
[ -x /usr/sbin/sshd ] || need+=(openssh-server)
command -v ssh >/dev/null || need+=(openssh-client)
command -v systemd-analyze >/dev/null || need+=(systemd)
if ((${#need[@]})); then
    if [ "$(id -u)" != 0 ]; then
        echo "prepare.sh: install ${need[*]} first, or run this as root" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${need[@]}" >"$boards/apt.log" 2>&1
fi

# A tree is only unpacked: no maintainer script runs and nothing is emulated, so it takes seconds.
tree() {
    local suite=$1 root=$boards/$1 packages
    packages=python3,libstdc++6,libgomp1,libatomic1,coreutils,dash,bash,base-passwd,base-files,grep,sed,findutils
    packages+=,procps,tar,gzip,openssh-client,openssh-sftp-server,ca-certificates
    rm -rf "$root"
    mmdebstrap --arch=arm64 --variant=extract --include="$packages" --components=main \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' "$suite" "$root" >"$boards/$suite.log" 2>&1
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
    echo 'pi:x:1000:1000::/home/pi:/bin/bash' >>"$root/etc/passwd"
    mkdir -p "$root"/{home/pi,root,proc,sys,dev,tmp,opt}
    chmod 1777 "$root/tmp"
    [ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"
    echo raspberrypi >"$root/etc/hostname"
}

wheels() {
    local version=$1 glibc=$2 target=$boards/wheels/cp$1 minor arguments=()
    for ((minor = glibc; minor >= 17; minor--)); do arguments+=(--platform "manylinux_2_${minor}_aarch64"); done
    arguments+=(--platform manylinux2014_aarch64 --abi "cp${version/./}" --abi abi3 --abi none)
    rm -rf "$target"
    "$python" -m pip download -q --disable-pip-version-check --only-binary=:all: --implementation cp \
        --python-version "$version" "${arguments[@]}" --dest "$target" -r "$here/requirements.txt" -c "$constraints"
}

# A device without emulation: this machine's processor with JetPack's Python, where that is installed.
wheels_here() {
    local candidate target
    target=$boards/wheels/cp3.10-$(uname -m)
    for candidate in python3.10 "$HOME"/.pyenv/versions/3.10.*/bin/python; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null || continue
        rm -rf "$target"
        "$candidate" -m pip download -q --disable-pip-version-check --only-binary=:all: --dest "$target" \
            -r "$here/requirements.txt" tomli -c "$constraints"
        return
    done
    echo "prepare.sh: no Python 3.10 here: the tests of a device that has it are skipped" >&2
}

key=$(cat "$here/prepare.sh" "$here/requirements.txt" "$here/../../devices/ssh/pinned.toml" | sha256sum | cut -c1-16)
for each in bookworm:3.11:36 trixie:3.13:41; do
    IFS=: read -r suite version glibc <<<"$each"
    if [ "$(cat "$boards/$suite/.key" 2>/dev/null)" != "$key" ]; then
        echo "prepare.sh: unpacking $suite, fetching wheels for Python $version" >&2
        tree "$suite"
        wheels "$version" "$glibc"
        echo "$key" >"$boards/$suite/.key"
    fi
done
if [ "$(cat "$boards/wheels/.key-3.10" 2>/dev/null)" != "$key" ]; then
    wheels_here
    echo "$key" >"$boards/wheels/.key-3.10"
fi
echo "$boards"
