#!/usr/bin/env bash
# Builds the images from nothing but Debian and a package index, and tries them: no Docker, no registry.
#
#   sudo apt-get install buildah debootstrap && sudo scripts/check-image.sh
#
# The base image is a small Debian with Python, as a company's own might be, with this machine's CA bundle and
# pip settings in it. The images are then run as Kubernetes would under its restricted profile: by
# scripts/try_image.py, in namespaces of their own.
#
# PYTHON_BIN  the Python that tries the images; it needs PyYAML   (.venv/bin/python)
# WORK_DIR    where everything is put; kept if it is named        (a temporary folder)
# KEEP_BASE   1: take the base image of an earlier run in WORK_DIR
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON_BIN:-.venv/bin/python}
suite=bookworm
version=$(sed -nE 's/^__version__ = "(.*)"/\1/p' tag_compliance/__init__.py)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)

for program in buildah debootstrap unshare setpriv ip kubectl; do
  command -v "$program" >/dev/null || { echo "check-image: $program is not installed" >&2; exit 1; }
done
((EUID == 0)) || { echo "check-image: must be root, for debootstrap and chroot" >&2; exit 1; }

if [[ -n ${WORK_DIR:-} ]]; then
  work=$WORK_DIR
  mkdir -p "$work"
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi

# Nothing of this machine's own image store is seen or touched.
b() {
  local command=$1
  shift
  buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$command" "$@"
}

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

make_base() {
  say "a base image: Debian $suite with Python"
  rm -rf "$work/base"
  debootstrap --variant=minbase --include=python3-minimal,python3-venv,python3-pip,ca-certificates \
    "$suite" "$work/base" >"$work/debootstrap.log" || { tail -n 20 "$work/debootstrap.log" >&2; exit 1; }
  rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/* \
    "$work"/base/usr/share/{doc,man,locale}/*
  # The bundle of this machine may know a company's own authority; the package index may be a mirror.
  cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$work/base/etc/ssl/certs/ca-certificates.crt"
  {
    echo "[global]"
    python3 -m pip config list |
      sed -nE "s/^(:env:|global)\.([a-z-]+)='(.*)'$/\2 = \3/p" | awk '!seen[$1]++'
  } >"$work/base/etc/pip.conf"
  local container
  container=$(b from scratch)
  b add --quiet "$container" "$work/base" / >/dev/null
  b config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  b commit --quiet --rm "$container" python-base >/dev/null
  rm -rf "$work/base"
}

# bud TARGET NAME: the Docker format, since only that one has a health check.
bud() {
  say "the image $2"
  b bud --quiet --isolation chroot --format docker --target "$1" --tag "$2" \
    --build-arg PYTHON_IMAGE=localhost/python-base --build-arg VERSION="$version" \
    --build-arg REVISION="$revision" --build-arg CREATED="$(date -u +%FT%TZ)" . >"$work/$2.log" 2>&1 ||
    { tail -n 40 "$work/$2.log" >&2; exit 1; }
}

# unpack NAME: its root file system and its settings, at $work/NAME and $work/NAME.json.
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
  say "$image: $total MB, $((total - base)) MB of it on top of the base"
done

say "the images at work"
unshare --net sh -euc 'ip link set lo up; exec "$@"' try "$python" scripts/try_image.py "$work" k8s
