#!/usr/bin/env bash
# Builds the web application's image for amd64 and arm64 into bin/webapp-image.tar, with no container engine and no registry.
#   tools/image.sh TAG
set -euo pipefail
cd "$(dirname "$0")/.."
tag=$1
buildah=(buildah --storage-driver vfs)
tools/setup.sh image
rm -rf bin/image bin/webapp-image.tar
"${buildah[@]}" manifest rm "webapp:$tag" >/dev/null 2>&1 || true
for arch in amd64 arm64; do
  mkdir -p bin/image/$arch/out
  cp /etc/ssl/certs/ca-certificates.crt webapp/certs/rds-global-bundle.pem bin/image/$arch/out/
  CGO_ENABLED=0 GOARCH=$arch tools/progress.sh "compiling for $arch" go build -C webapp -buildvcs=false -trimpath -ldflags "-w -s" -o "$PWD/bin/image/$arch/out/webapp" .
  tools/progress.sh "building the $arch image" "${buildah[@]}" build --quiet --timestamp 0 --isolation chroot --platform linux/$arch --target image \
    --build-context build=bin/image/$arch --manifest "webapp:$tag" webapp
done
"${buildah[@]}" manifest push --quiet --all "webapp:$tag" "oci-archive:bin/webapp-image.tar:$tag"
ls -l bin/webapp-image.tar | awk '{printf "bin/webapp-image.tar, both platforms, compressed: %.1f MB\n", $5 / 1e6}'
