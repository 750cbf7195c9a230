#!/usr/bin/env bash
# Builds the images from Debian and a package index, and tests them, without Docker and without a registry.
#
#   sudo apt-get install buildah debootstrap && sudo scripts/check-image.sh
#
# The base image is a small Debian with Python, like a company's base image, with the CA bundle and the pip
# settings of this machine. Then scripts/try_image.py runs the images in separate namespaces, as Kubernetes does
# under its restricted profile.
#
# PYTHON_BIN  the Python that runs the tests; it needs PyYAML       (default: .venv/bin/python)
# WORK_DIR    the folder for all files; it is kept                  (default: a temporary folder, deleted)
# KEEP_BASE   1: use the base image of an earlier run in WORK_DIR
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON_BIN:-.venv/bin/python}
suite=bookworm
version=$(sed -nE 's/^__version__ = "(.*)"/\1/p' tag_compliance/__init__.py)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)

for program in buildah debootstrap unshare setpriv ip kubectl; do
  command -v "$program" >/dev/null || { echo "check-image: $program is not installed" >&2; exit 1; }
done
((EUID == 0)) || { echo "check-image: run it as root: debootstrap and chroot need it" >&2; exit 1; }

if [[ -n ${WORK_DIR:-} ]]; then
  work=$WORK_DIR
  mkdir -p "$work"
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi

# buildah with a separate image store: the store of this machine is neither read nor changed.
b() {
  local command=$1
  shift
  buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$command" "$@"
}

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

make_base() {
  say "building the base image: Debian $suite with Python"
  rm -rf "$work/base"
  debootstrap --variant=minbase --include=python3-minimal,python3-venv,python3-pip,ca-certificates \
    "$suite" "$work/base" >"$work/debootstrap.log" || { tail -n 20 "$work/debootstrap.log" >&2; exit 1; }
  rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/* \
    "$work"/base/usr/share/{doc,man,locale}/*
  # The bundle of this machine may contain a company's CA; the package index may be a mirror. A file of constraints
  # is not in the image, and the locked requirements need none.
  cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$work/base/etc/ssl/certs/ca-certificates.crt"
  {
    echo "[global]"
    python3 -m pip config list |
      sed -nE "s/^(:env:|global)\.([a-z-]+)='(.*)'$/\2 = \3/p" | awk '$1 !~ /constraint$/ && !seen[$1]++'
  } >"$work/base/etc/pip.conf"
  local container
  container=$(b from scratch)
  b add --quiet "$container" "$work/base" / >/dev/null
  b config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  b commit --quiet --rm "$container" python-base >/dev/null
  rm -rf "$work/base"
}

# bud TARGET NAME: builds an image, in the Docker format, because only that has a health check.
bud() {
  say "building the image $2"
  b bud --quiet --isolation chroot --format docker --target "$1" --tag "$2" \
    --build-arg PYTHON_IMAGE=localhost/python-base --build-arg VERSION="$version" \
    --build-arg REVISION="$revision" --build-arg CREATED="$(date -u +%FT%TZ)" . >"$work/$2.log" 2>&1 ||
    { tail -n 40 "$work/$2.log" >&2; exit 1; }
}

# unpack NAME: makes the root file system of an image available at $work/NAME, its settings at $work/NAME.json.
unpack() {
  local container
  b inspect --type image "$1" >"$work/$1.json"
  container=$(b from "$1")
  rm -f "$work/$1"
  ln -s "$(b mount "$container")" "$work/$1"
}

if [[ ${KEEP_BASE:-} != 1 ]] || ! b inspect --type image python-base >/dev/null 2>&1; then
  make_base
fi
bud runtime tag-compliance
bud exporter tag-compliance-exporter
unpack tag-compliance
unpack tag-compliance-exporter
unpack python-base
for image in tag-compliance tag-compliance-exporter; do
  total=$(du -sm "$work/$image/." | cut -f1)
  base=$(du -sm "$work/python-base/." | cut -f1)
  say "$image: $total MB, of which $((total - base)) MB are added to the base image"
done

say "running the images"
unshare --net sh -euc 'ip link set lo up; exec "$@"' try "$python" -m scripts.try_image "$work" k8s
