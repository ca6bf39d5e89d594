#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kubernetes-down.sh DIR: ends the servers that kubernetes-up.sh has started in DIR, and no others.
set -euo pipefail
source "$(cd "$(dirname "$0")" && pwd)/kubernetes/processes.sh"
dir=$1
# Whoever interrupts, or no longer reads what is said: what was begun here is over within a minute.
trap '' INT TERM HUP PIPE

# In this order: an API server that lost its etcd waits for it before it ends.
for server in kube-controller-manager kube-apiserver etcd; do
    records=$(grep -hs "^$server " "$dir"/*/processes || true)
    for signal in TERM KILL; do
        left=''
        while read -r _ pid started; do
            ! runs "${pid:-0}" "${started:-}" || { left+=" $pid"; kill -s "$signal" "$pid" || true; }
        done <<<"$records"
        [ -n "$left" ] || break
        [ "$signal" = TERM ] || say "$server$left did not end within 10 s: killed"
        end=$((SECONDS + 10))
        while read -r _ pid started; do
            while runs "$pid" "${started:-}" && [ $SECONDS -lt $end ]; do sleep 0.1; done
        done <<<"$records"
    done
done
rm -f "$dir"/*/processes "$dir/bin"
