#!/bin/sh
# What a container of this image runs: a command of `tag-compliance`, or one of Dagster's own programs.
#
# Dagster's run launcher for Kubernetes and its Helm chart give arguments and no command
# (`dagster api execute_run …`), so an entry point that is `tag-compliance` alone would swallow them.
set -eu

case "${1:-}" in
  dagster | dagster-webserver | dagster-daemon) exec "$@" ;;
  *) exec tag-compliance "$@" ;;
esac
