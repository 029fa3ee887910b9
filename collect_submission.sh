#!/bin/sh
# Pack the submission into assignment2.zip beside this script; works from any folder.
#
#   sh collect_submission.sh                pack the project
#   sh collect_submission.sh FOLDER         pack another folder, and put the zip there
#   PYTHON=FILE sh collect_submission.sh    use this Python (default: .venv/bin/python, then python3)

case $0 in
    */*) root=${0%/*} ;;
    *) root=. ;;
esac
root=$(CDPATH='' cd -- "$root" && pwd) || exit 1

. "$root/utils/system/run_module.sh"
run_module utils.commands.submission "$@"
