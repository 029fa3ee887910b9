#!/bin/sh
# Pack what is handed in into assignment2.zip beside this script: `sh collect_submission.sh`, from any folder.
#
#   PYTHON=FILE sh collect_submission.sh    use this Python (else .venv/bin/python, else python3)
#   sh collect_submission.sh FOLDER         pack another folder, and put the zip there

case $0 in
    */*) root=${0%/*} ;;
    *) root=. ;;
esac
root=$(CDPATH='' cd -- "$root" && pwd) || exit 1

. "$root/utils/system/run_module.sh"
run_module utils.commands.submission "$@"
