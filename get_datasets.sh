#!/bin/sh
# Fetch, verify and unpack the data sets: `sh get_datasets.sh`, from any folder.
#
#   SST_ZIP=FILE sh get_datasets.sh    use a copy of the zip instead of the network
#   PYTHON=FILE sh get_datasets.sh     use this Python (else .venv/bin/python, else python3)
#   sh get_datasets.sh --help          the other options

case $0 in
    */*) root=${0%/*} ;;
    *) root=. ;;
esac
root=$(CDPATH='' cd -- "$root" && pwd) || exit 1

. "$root/utils/run_module.sh"
run_module utils.download "$@"
