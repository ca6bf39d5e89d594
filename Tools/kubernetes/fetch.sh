#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fetch.sh DIR: Debian's packages of Go, etcd and kubectl, and the source of Kubernetes, unpacked in DIR.
# apt checks signatures and sums as for any package, but in a folder of its own: nothing is installed.
set -euo pipefail
dir=$1
suite=bookworm
mkdir -p "$dir"/apt/{sources,state/lists/partial,cache/archives/partial} "$dir"/{packages,root,go/src/k8s.io}

# The machine's own mirrors, keys and options, in apt's two forms, with the sources beside the packages.
apt=/etc/apt
cat "$apt"/sources.list "$apt"/sources.list.d/*.list 2>/dev/null |
    awk -v suite="$suite" '$1 == "deb" && $0 ~ "[ \t]" suite "[ \t]" { print; sub(/^[ \t]*deb/, "deb-src"); print }' \
        >"$dir/apt/sources/own.list" || true
for file in "$apt"/sources.list.d/*.sources; do
    [ -e "$file" ] || continue
    { grep -v '^#' "$file"; echo; } | awk -v suite="$suite" 'BEGIN { RS = ""; FS = "\n" }
        ("\n" $0 "\n") ~ "\nSuites:([^\n]*[ \t])?" suite "[ \t\n]" {
            for (i = 1; i <= NF; i++) {
                if ($i ~ /^Types:/) $i = "Types: deb deb-src"
                if ($i ~ /^Suites:/) $i = "Suites: " suite
                print $i
            }
            print ""
        }'
done >"$dir/apt/sources/own.sources"
[ -s "$dir/apt/sources/own.list" ] || [ -s "$dir/apt/sources/own.sources" ] ||
    { echo "apt's configuration names no mirror of Debian 12 ($suite)" >&2; exit 1; }

own=(-q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$dir/apt/sources"
    -o "Dir::State=$dir/apt/state" -o "Dir::Cache=$dir/apt/cache" -o APT::Sandbox::User=root
    -o Acquire::Languages=none -o Acquire::Retries=3)
apt-get "${own[@]}" update >&2
cd "$dir/packages"
apt-get "${own[@]}" download golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev \
    etcd-server kubernetes-client >&2
apt-get "${own[@]}" source --download-only kubernetes >&2
for package in *.deb; do dpkg-deb --extract "$package" "$dir/root"; done
tar --extract --file kubernetes_*.orig.tar.* --one-top-level="$dir/go/src/k8s.io/kubernetes" --strip-components 1
