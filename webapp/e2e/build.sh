#!/usr/bin/env bash
# Builds the programs of the end-to-end tests in the versions of go.mod: kube-apiserver, kube-controller-manager,
# kube-scheduler, kubectl, etcd, kwok and helm. The build takes a quarter of an hour. The script caches the programs by
# version outside the repository, so each machine builds them once. It prints the directory of the programs on standard
# output and its progress on standard error.
set -euo pipefail
cd "$(dirname "$0")"
export CGO_ENABLED=0
kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
key=$(go list -m go.etcd.io/etcd/server/v3 helm.sh/helm/v3 sigs.k8s.io/kwok |
  cat - etcd/main.go | sha256sum | cut -c 1-12)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/groundwork/kubernetes-$kubernetes-$key
commands=(
  ./etcd
  sigs.k8s.io/kwok/cmd/kwok
  helm.sh/helm/v3/cmd/helm
  k8s.io/kubernetes/cmd/kubectl
  k8s.io/kubernetes/cmd/kube-scheduler
  k8s.io/kubernetes/cmd/kube-controller-manager
  k8s.io/kubernetes/cmd/kube-apiserver
)
mkdir -p "$dir"
# Delete programs of other versions after 30 days.
find "$(dirname "$dir")" -mindepth 1 -maxdepth 1 -name 'kubernetes-*' ! -path "$dir" -mtime +30 -exec rm -rf {} +
for i in "${!commands[@]}"; do
  name=$(basename "${commands[i]}")
  [ -x "$dir/$name" ] && continue
  # The build writes to another name first, so an interrupted build leaves no program that looks complete.
  count="$((i + 1)) of ${#commands[@]}"
  flags="-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes"
  ../../tools/progress.sh "building $name, $count (all together a quarter of an hour on two cores, once)" \
    go build -buildvcs=false -trimpath -ldflags "$flags" -o "$dir/.$name" "${commands[i]}" >&2
  mv "$dir/.$name" "$dir/$name"
  echo "built $name" >&2
done
echo "$dir"
