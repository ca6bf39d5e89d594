#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kubeconfigs.sh DIR PORT: how to reach the API server at PORT, for everyone who has a certificate in DIR/pki.
set -euo pipefail
umask 077
cd "$1"
for user in admin user controller-manager; do
    cat >"$user.kubeconfig" <<END
apiVersion: v1
kind: Config
clusters:
- name: $(basename "$1")
  cluster:
    server: https://127.0.0.1:$2
    certificate-authority-data: $(base64 -w 0 pki/ca.crt)
users:
- name: $user
  user:
    client-certificate-data: $(base64 -w 0 "pki/$user.crt")
    client-key-data: $(base64 -w 0 "pki/$user.key")
contexts:
- name: $user@$(basename "$1")
  context:
    cluster: $(basename "$1")
    user: $user
current-context: $user@$(basename "$1")
END
done
