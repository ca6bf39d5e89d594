#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sourced: what each server is started with, one argument a line, for the cluster in DIR.
set -euo pipefail

etcd_arguments() { # DIR PORT; its peer port is a free one of the kernel's choice
    printf -- '--%s\n' "name=$(basename "$1")" "data-dir=$1/etcd" log-outputs=stderr enable-grpc-gateway=false \
        "listen-client-urls=https://127.0.0.1:$2" "advertise-client-urls=https://127.0.0.1:$2" \
        listen-peer-urls=http://127.0.0.1:0 client-cert-auth "trusted-ca-file=$1/pki/ca.crt" \
        "cert-file=$1/pki/etcd.crt" "key-file=$1/pki/etcd.key"
}

# A loopback address is not allowed in Endpoints; with the ServiceAccount plugin each Pod waits for an account nobody makes.
apiserver_arguments() { # DIR PORT
    printf -- '--%s\n' bind-address=127.0.0.1 "secure-port=$2" advertise-address=127.0.0.1 endpoint-reconciler-type=none \
        "etcd-servers=https://127.0.0.1:$(cat "$1/etcd.port")" "etcd-cafile=$1/pki/ca.crt" \
        "etcd-certfile=$1/pki/apiserver.crt" "etcd-keyfile=$1/pki/apiserver.key" \
        "client-ca-file=$1/pki/ca.crt" "tls-cert-file=$1/pki/apiserver.crt" "tls-private-key-file=$1/pki/apiserver.key" \
        service-account-issuer=https://kubernetes.default.svc "service-account-key-file=$1/pki/service-accounts.pub" \
        "service-account-signing-key-file=$1/pki/service-accounts.key" service-cluster-ip-range=10.96.0.0/16 \
        authorization-mode=RBAC disable-admission-plugins=ServiceAccount allow-privileged=true profiling=false
}

# The controllers that take things away, the one that binds claims to volumes, and the one that fills the roles view, edit and
# admin: each under an account of its own, as RBAC forbids the manager itself to delete. No port: before 1.24 a second one, open
# to everyone, has its own switch. A claim that the binder met before its volume waits for the binder's next round.
controller_manager_arguments() { # DIR
    local version
    version=$("$servers/kube-controller-manager" --version)
    version=${version#Kubernetes v1.}
    [ "${version%%.*}" -ge 24 ] || printf -- '--port=0\n'
    printf -- '--%s\n' "kubeconfig=$1/controller-manager.kubeconfig" secure-port=0 leader-elect=false profiling=false \
        controllers=garbagecollector,namespace,pvc-protection,pv-protection,clusterrole-aggregation,persistentvolume-binder \
        use-service-account-credentials=true "service-account-private-key-file=$1/pki/service-accounts.key" \
        pvclaimbinder-sync-period=1s kube-api-qps=200 kube-api-burst=400
}
