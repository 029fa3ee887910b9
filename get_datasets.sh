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

is_python() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for python in ${PYTHON:+"$PYTHON"} "$root/.venv/bin/python" python3; do
    if is_python "$python"; then
        # PYTHONSAFEPATH: a folder `utils` where the caller stands is not to be taken for ours.
        PYTHONPATH=$root PYTHONSAFEPATH=1 exec "$python" -m utils.download "$@"
    elif [ "$python" = "${PYTHON:-}" ]; then
        echo "error: PYTHON=$python is not Python 3.11 or newer" >&2
        exit 1
    fi
done
echo "error: no Python 3.11 or newer found; install one, or name it with PYTHON=FILE" >&2
exit 1
