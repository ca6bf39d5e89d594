#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sourced, after processes.sh: starts servers on free ports and waits until they are ready.
set -euo pipefail

# listens PID PORT: whether this process, and no other, listens there.
listens() {
    local inode
    inode=$(awk -v at="0100007F:$(printf %04X "$2")" '$2 == at && $4 == "0A" { print $10 }' /proc/net/tcp)
    [ -n "$inode" ] && [ -n "$(find "/proc/$1/fd" -lname "socket:\[$inode\]" 2>/dev/null)" ]
}

# await DIR NAME COMMAND…: asks until COMMAND succeeds; fails where the server that it is about ends, or after minutes.
await() {
    local name started pid log=$1/$2.log end=$((SECONDS + 240))
    read -r name pid started < <(grep "^$2 " "$1/processes" | tail -n 1)
    shift 2
    until "$@"; do
        if ! runs "$pid" "$started" || [ $SECONDS -ge $end ]; then
            say "$name does not get ready, the end of $log:"
            tail -n 15 "$log" >&2
            return 1
        fi
        sleep 0.1
    done
}

# serve DIR NAME ARGUMENTS-OF: launches NAME with what the function ARGUMENTS-OF says for a free port; sets port.
serve() {
    local arguments
    for _ in 1 2 3 4 5; do
        # Below those that the kernel gives to whoever connects. One that is taken ends the server, and the next is tried.
        port=$((20000 + RANDOM % 12000))
        mapfile -t arguments < <("$3" "$1" "$port")
        launch "$1" "$2" "$servers/$2" "${arguments[@]}"
        await "$1" "$2" listens "$pid" "$port" && return
        grep -q 'address already in use' "$1/$2.log" || break
    done
    return 1
}
