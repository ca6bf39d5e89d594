#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# authority.sh DIR: a certificate authority of its own for one cluster, and what it signs, in DIR/pki.
set -euo pipefail
umask 077
mkdir -p "$1/pki"
cd "$1/pki"

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }

# sign NAME SUBJECT [ALTERNATIVE-NAMES]: good for a server as well as for a client, as etcd calls itself.
sign() {
    key "$1"
    {
        printf 'keyUsage = digitalSignature\nextendedKeyUsage = serverAuth, clientAuth\n'
        [ -z "${3:-}" ] || printf 'subjectAltName = %s\n' "$3"
    } >"$1.extensions"
    openssl req -new -key "$1.key" -subj "$2" -out "$1.request"
    openssl x509 -req -in "$1.request" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" \
        -extfile "$1.extensions" 2>/dev/null
}

key ca
openssl req -x509 -new -key ca.key -subj "/CN=$(basename "$1")" -days 30 -out ca.crt \
    -addext 'keyUsage=critical,keyCertSign,cRLSign'
sign etcd /CN=etcd IP:127.0.0.1
sign apiserver /CN=kube-apiserver IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
sign admin /O=system:masters/CN=admin
sign user /CN=user
sign controller-manager /CN=system:kube-controller-manager
key service-accounts
openssl pkey -in service-accounts.key -pubout -out service-accounts.pub
