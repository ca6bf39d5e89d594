#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kubernetes-up.sh DIR [CRDS]: two Kubernetes clusters on loopback that share nothing, DIR/a and DIR/b, without nodes.
# Each has admin.kubeconfig and, allowed nothing, user.kubeconfig; DIR/bin has kubectl. CRDS is a folder of manifests.
# The state is about 250 MB. kubernetes-down.sh ends what was started here; DIR is the caller's to remove.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)
for part in processes serve arguments; do source "$tools/kubernetes/$part.sh"; done
servers=$(bash "$tools/kubernetes-build.sh")
mkdir -p "$1"
dir=$(cd "$1" && pwd)
crds=${2:-}
[ ! -e "$dir/bin" ] || { say "$dir is in use: choose another folder"; exit 1; }
ln -s "$servers" "$dir/bin"
trap '[ $? = 0 ] || bash "$tools/kubernetes-down.sh" "$dir"' EXIT
trap 'exit 1' INT TERM HUP
cluster() { "$servers/kubectl" --kubeconfig "$dir/$1/admin.kubeconfig" --cache-dir "$dir/$1/cache" "${@:2}"; }

for name in a b; do
    bash "$tools/kubernetes/authority.sh" "$dir/$name"
    serve "$dir/$name" etcd etcd_arguments
    echo "$port" >"$dir/$name/etcd.port"
    serve "$dir/$name" kube-apiserver apiserver_arguments
    bash "$tools/kubernetes/kubeconfigs.sh" "$dir/$name" "$port"
done
is_ready() { [ "$(cluster "$1" get --raw /readyz --request-timeout 5s 2>/dev/null)" = ok ]; }
# Once it knows every kind. One that it meets later is collected only up to 40 s after that: so the CRDs come first.
collects() { grep -q 'all resource monitors have synced' "$dir/$1/kube-controller-manager.log"; }
for name in a b; do
    await "$dir/$name" kube-apiserver is_ready "$name"
    if [ -n "$crds" ]; then
        cluster "$name" apply -f "$crds" >&2
        cluster "$name" wait --for condition=Established --timeout 120s -f "$crds" >&2
    fi
    mapfile -t arguments < <(controller_manager_arguments "$dir/$name")
    launch "$dir/$name" kube-controller-manager "$servers/kube-controller-manager" "${arguments[@]}"
done
for name in a b; do await "$dir/$name" kube-controller-manager collects "$name"; done
say "clusters a and b are up in $dir"
