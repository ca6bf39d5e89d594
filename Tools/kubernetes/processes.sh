#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sourced: starts processes and knows them again. A server is its process id and the tick at which the kernel started it,
# so that one whose id was given to another process since is never taken for it.
set -euo pipefail

say() { printf 'kubernetes: %s\n' "$*" >&2 || true; }

# tick PID: field 22 of its stat; nothing for a process that is gone, or that only waits to be reaped.
tick() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    # The name, field 2, may hold spaces and brackets.
    read -ra stat <<<"${stat##*) }"
    [ "${stat[0]}" = Z ] || printf '%s\n' "${stat[19]}"
}

# runs PID TICK: no tick was seen of one that ended as soon as it was started.
runs() { [ -n "$2" ] && [ "$(tick "$1")" = "$2" ]; }

# launch DIR NAME PROGRAM ARGUMENT…: in a session of its own, its log in DIR/NAME.log; sets pid and started.
launch() {
    local dir=$1 name=$2
    shift 2
    setsid "$@" </dev/null >"$dir/$name.log" 2>&1 &
    pid=$!
    started=$(tick "$pid")
    printf '%s %s %s\n' "$name" "$pid" "$started" >>"$dir/processes"
}
