#!/usr/bin/env bash
# Builds what the end-to-end tests run on, from the versions that go.mod names: kube-apiserver, kube-controller-manager,
# kube-scheduler, kubectl, etcd, kwok and helm. They are kept by version outside the repository, so that the quarter of
# an hour is spent once per machine. Prints the directory they are in; says on standard error what it is doing.
set -euo pipefail
cd "$(dirname "$0")"
export CGO_ENABLED=0
kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
key=$(go list -m go.etcd.io/etcd/server/v3 helm.sh/helm/v3 sigs.k8s.io/kwok | cat - etcd/main.go | sha256sum | cut -c 1-12)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/groundwork/kubernetes-$kubernetes-$key
commands=(./etcd sigs.k8s.io/kwok/cmd/kwok helm.sh/helm/v3/cmd/helm
  k8s.io/kubernetes/cmd/kubectl k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kube-apiserver)
mkdir -p "$dir"
# Of older versions nothing is needed any more.
find "$(dirname "$dir")" -mindepth 1 -maxdepth 1 -name 'kubernetes-*' ! -path "$dir" -mtime +30 -exec rm -rf {} +
for i in "${!commands[@]}"; do
  name=$(basename "${commands[i]}")
  [ -x "$dir/$name" ] && continue
  # Under another name first: an interrupted build leaves nothing that looks finished.
  ../../tools/progress.sh "building $name, $((i + 1)) of ${#commands[@]} (all together a quarter of an hour on two cores, once)" \
    go build -buildvcs=false -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes" -o "$dir/.$name" "${commands[i]}" >&2
  mv "$dir/.$name" "$dir/$name"
  echo "built $name" >&2
done
echo "$dir"
