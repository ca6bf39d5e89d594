#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that Godwit is built and tested with, and only those that are missing.
# With "test" also a database to replicate and kubectl; with "perf" what `make perf` measures beside us.
set -euo pipefail

packages=(make git pkg-config liblz4-dev libssl-dev zlib1g-dev libzstd-dev libxxhash-dev libsqlite3-dev
    openssl diffutils mount e2fsprogs xfsprogs btrfs-progs)
case "${1:-}" in
    test) packages+=(postgresql strace); command -v kubectl >/dev/null || packages+=(kubernetes-client) ;;
    perf) packages+=(rsync stunnel4 nbdkit libnbd-bin qemu-utils lz4 iproute2 postgresql) ;;
esac

say() { printf 'setup: %s\n' "$*" >&2; }

if ! command -v swift >/dev/null; then
    say "swift is missing: install a Swift 6.2 or newer toolchain (https://www.swift.org/install/linux)"
    exit 1
fi
if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: these packages, or what is the same, must be there: ${packages[*]}"
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || { say "all ${#packages[@]} packages are installed"; exit 0; }

root=()
if [ "$(id -u)" != 0 ]; then
    root=(sudo -n)
    "${root[@]}" true 2>/dev/null || { say "run as root: apt-get install ${missing[*]}"; exit 1; }
fi
say "installing ${missing[*]}"
"${root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update >&2
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "${missing[@]}" >&2 </dev/null
