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

is_python() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for python in ${PYTHON:+"$PYTHON"} "$root/.venv/bin/python" python3; do
    if is_python "$python"; then
        # PYTHONSAFEPATH: a folder `utils` where the caller stands is not to be taken for ours.
        PYTHONPATH=$root PYTHONSAFEPATH=1 exec "$python" -m utils.submission "$@"
    elif [ "$python" = "${PYTHON:-}" ]; then
        echo "error: PYTHON=$python is not Python 3.11 or newer" >&2
        exit 1
    fi
done
echo "error: no Python 3.11 or newer found; install one, or name it with PYTHON=FILE" >&2
exit 1
