#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kubernetes-run.sh COMMAND…: runs COMMAND with two clusters, told by GODWIT_TEST_CLUSTERS, and takes them down again.
# GODWIT_TEST_CRDS: a folder of CRDs that both have from the start.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d -t godwit-clusters.XXXXXX)
end() {
    status=$?
    bash "$tools/kubernetes-down.sh" "$dir"
    if [ "$status" = 0 ]; then
        rm -rf "$dir"
    else
        rm -rf "$dir"/*/{etcd,pki} "$dir"/*/*.kubeconfig
        echo "kubernetes: the servers' logs are in $dir" >&2
    fi
}
trap end EXIT
trap 'exit 1' INT TERM HUP

bash "$tools/kubernetes-up.sh" "$dir" "${GODWIT_TEST_CRDS:-}"
GODWIT_TEST_CLUSTERS=$dir "$@"
