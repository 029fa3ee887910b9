# Sourced by the project's shell scripts, with $root set to the project's folder.

is_python() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# run_module MODULE ARGUMENTS...: run a module with $PYTHON, else .venv/bin/python, else python3.
run_module() {
    for python in ${PYTHON:+"$PYTHON"} "$root/.venv/bin/python" python3; do
        if is_python "$python"; then
            # PYTHONSAFEPATH keeps a package `utils` in the caller's folder from shadowing the project's.
            PYTHONPATH=$root PYTHONSAFEPATH=1 exec "$python" -m "$@"
        elif [ "$python" = "${PYTHON:-}" ]; then
            echo "error: PYTHON=$python is not Python 3.11 or newer" >&2
            exit 1
        fi
    done
    echo "error: no Python 3.11 or newer found; install one, or name it with PYTHON=FILE" >&2
    exit 1
}
