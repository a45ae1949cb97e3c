#!/usr/bin/env bash
# Checks the Jenkinsfile's Groovy with npm-groovy-lint (CodeNarc), which is installed into .groundwork. It needs Java 17 to 24 and, once installed, no network.
set -euo pipefail
cd "$(dirname "$0")/.."
version=16.2.0 # The last that runs on Node.js 20.
dir=.groundwork/groovy-lint-$version
if ! command -v java >/dev/null; then
  command -v apt-get >/dev/null || { echo "error: java not found; install Java 17 or newer" >&2; exit 1; }
  echo "Installing Debian packages: default-jre-headless ..."
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends default-jre-headless >/dev/null
fi
if [ ! -x $dir/node_modules/.bin/npm-groovy-lint ]; then
  rm -rf $dir
  tools/progress.sh "installing npm-groovy-lint" npm install --silent --no-fund --no-audit --prefix $dir npm-groovy-lint@$version
fi
$dir/node_modules/.bin/npm-groovy-lint --noserver --loglevel error --failon error --javaexecutable "$(command -v java)" Jenkinsfile
