#!/bin/sh
# The entry point of the image: runs a command of `tag-compliance`, or a program of Dagster.
#
# Dagster's run launcher for Kubernetes and its Helm chart set the arguments of the container but not its command
# (`dagster api execute_run …`), so `tag-compliance` as the entry point would get them as its arguments.
set -eu

case "${1:-}" in
  dagster | dagster-webserver | dagster-daemon) exec "$@" ;;
  # The webserver of Dagster with the guard of `up` against the web pages of other sites.
  dagster-ui) shift && exec python -P -m tag_compliance.pipeline.ui_server "$@" ;;
  *) exec tag-compliance "$@" ;;
esac
