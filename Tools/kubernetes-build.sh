#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds Debian's kube-apiserver and kube-controller-manager, with Debian's etcd and kubectl beside them, once.
# Prints the folder that they are in: outside of the checkout, so a new clone finds them. Nothing is installed.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)
say() { printf 'kubernetes: %s\n' "$*" >&2; }

# Servers of another kind, to try a newer Kubernetes: a folder with the same four programs.
[ -z "${GODWIT_KUBERNETES:-}" ] || { printf '%s\n' "$GODWIT_KUBERNETES"; exit 0; }

# Another recipe is another folder: no checkout takes away what the tests of another run.
recipe=$(grep -hv '^ *#' "$tools"/kubernetes-build.sh "$tools"/kubernetes/{fetch,compile}.sh | sha256sum | cut -c 1-12)
cache=${GODWIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/godwit}
servers=$cache/kubernetes-$(dpkg --print-architecture)-$recipe
if [ ! -e "$servers/stamp" ]; then
    mkdir -p "$cache"
    exec 9>"$cache/kubernetes.lock"
    flock -n 9 || { say "another process builds the servers: waiting for it"; flock 9; }
fi
if [ ! -e "$servers/stamp" ]; then
    free=$(df --output=avail --block-size=1M "$cache" | tail -n 1)
    [ "$free" -ge 3000 ] || { say "$cache has $free MiB free, the build needs 3000"; exit 1; }
    work=$cache/building
    trap 'rm -rf "$work"' EXIT
    rm -rf "$work" "$servers"
    say "downloading Go, etcd, kubectl and the source of Kubernetes from Debian"
    bash "$tools/kubernetes/fetch.sh" "$work"
    say "compiling kube-apiserver and kube-controller-manager (about 4 minutes on 2 cores)"
    bash "$tools/kubernetes/compile.sh" "$work"
    mkdir "$servers"
    mv "$work"/bin/kube-{apiserver,controller-manager} "$work"/root/usr/bin/{etcd,kubectl} "$servers"
    # Last: without it the folder counts for nothing.
    ls "$work/packages" >"$servers/stamp"
    find "$cache" -maxdepth 2 -path '*/kubernetes-*/stamp' -mtime +30 -printf '%h\0' | xargs -0 -r rm -rf
    say "built: $(du -sh "$servers" | cut -f 1) in $servers"
fi
touch "$servers/stamp"
printf '%s\n' "$servers"
