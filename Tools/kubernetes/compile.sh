#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compile.sh DIR: kube-apiserver and kube-controller-manager into DIR/bin, from what fetch.sh has put in DIR.
set -euo pipefail
dir=$1
module=k8s.io/kubernetes
tree=$dir/go/src/$module
# No module mode: the archive is vendored for a Go that could still do without.
export GOROOT=$dir/root/usr/lib/go-1.19 GOPATH=$dir/go GOCACHE=$dir/go/cache GOTMPDIR=$dir/go
export GO111MODULE=off GOFLAGS='' CGO_ENABLED=0 GOENV=off
go=$GOROOT/bin/go
cd "$tree"

# The vendored reflect2 1.0.1 ends the server at the first custom resource with Go 1.18 or newer: Debian's 1.0.2 instead.
reflect2=github.com/modern-go/reflect2
rm vendor/$reflect2/*.go
cp "$dir/root/usr/share/gocode/src/$reflect2"/*.go vendor/$reflect2/

# The archive lacks one generated file. That its violations are those that are checked in shows that it is right.
"$go" build -o "$dir/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
inputs=$(grep -rl --include='*.go' '+k8s:openapi-gen=' pkg staging/src/k8s.io | xargs -n 1 dirname | LC_ALL=C sort -u |
    grep -vE '^staging/src/k8s.io/(code-generator|sample-apiserver)/' | sed "s|^staging/src/|vendor/|; s|^|$module/|")
"$dir/openapi-gen" --logtostderr --input-dirs "$(paste -sd , <<<"$inputs")" --output-package "$module/pkg/generated/openapi" \
    --output-file-base zz_generated.openapi --go-header-file vendor/k8s.io/code-generator/hack/boilerplate.go.txt \
    --output-base "$dir/go/src" --report-filename "$dir/violations"
diff "$dir/violations" api/api-rules/violation_exceptions.list >&2

# Else the servers say v0.0.0, and a client that asks for the version is lied to.
version=$(basename "$dir"/packages/kubernetes_*.dsc | sed -E 's/.*really([0-9.]+)-.*/\1/')
IFS=. read -r major minor _ <<<"$version"
flags='-s -w'
for package in client-go/pkg/version component-base/version; do
    for value in "gitVersion=v$version" "gitMajor=$major" "gitMinor=$minor" gitTreeState=archive; do
        flags+=" -X $module/vendor/k8s.io/$package.$value"
    done
done
mkdir -p "$dir/bin"
"$go" build -o "$dir/bin/" -ldflags "$flags" ./cmd/kube-apiserver ./cmd/kube-controller-manager
