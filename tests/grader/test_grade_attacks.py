"""Attacks on the machine, the grader and other submissions: none finds anything, whoever runs the grader."""

import os
import time
from pathlib import Path

import pytest
from solutions.mutants import base
from solutions.proof import grade_files

from grader import protection
from grader.protection import Protection, find_protection
from utils.system.errors import InputError
from utils.system.paths import PROJECT

SIGMOID = "    return 1 / (1 + np.exp(-x))\n"
FOUND = protection._best()
needs_bubblewrap = pytest.mark.skipif(FOUND.kind != "bubblewrap", reason=f"no bubblewrap here: {FOUND.reason}")
UNPRIVILEGED = protection._trouble((), protection._becoming_another(True)) if FOUND.as_root else "not root"
needs_user = pytest.mark.skipif(bool(UNPRIVILEGED), reason=f"another user cannot run this Python: {UNPRIVILEGED}")
needs_root = pytest.mark.skipif(not FOUND.as_root, reason="only root can become another user")


def attacking(attack):
    """The correct solution, whose sigmoid attacks first; an attack that succeeds says so in what it raises."""
    body = "".join(f"    {line}\n" for line in attack.strip().split("\n"))
    files = base()
    return {**files, "word2vec.py": files["word2vec.py"].replace(SIGMOID, body + SIGMOID)}


def harmless(attack):
    """Grade an attacking solution; assert that nothing of its attack succeeded. Returns the grading."""
    grading = grade_files(attacking(attack), ["sigmoid"], 0)
    messages = [result.outcome.message for result in grading.results if not result.outcome.passed]
    assert not any("SUCCESS" in message for message in messages), messages
    return grading


def refused(action):
    """Python code that raises SUCCESS unless an action raises OSError."""
    return f"try:\n    {action}\nexcept OSError:\n    pass\nelse:\n    raise AssertionError('SUCCESS')"


@pytest.fixture
def secret(tmp_path):
    """A file of the user who grades, in a folder that is open to all; it must be neither read nor changed."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == tmp_path.owner() and folder != Path("/"):
            folder.chmod(0o777)
    path = tmp_path / "grades.csv"
    path.write_text("secret", encoding="utf-8")
    path.chmod(0o666)
    return path


FILE_ATTACKS = {
    "open": "open({path!r})",
    "dir_fd": "os.open({name!r}, os.O_RDONLY, dir_fd=os.open({folder!r}, os.O_RDONLY))",
    "dir_fd-root": "os.open({path!r}[1:], os.O_RDONLY, dir_fd=os.open('/', os.O_RDONLY))",
    "link": "os.link({path!r}, 'copy')",
    "rename": "os.rename({path!r}, {path!r} + '.gone')",
    "replace": "os.replace({path!r}, 'mine')",
    "remove": "os.remove({path!r})",
    "truncate": "os.truncate({path!r}, 0)",
    "chmod": "os.chmod({path!r}, 0)",
    "symlink": "os.symlink({path!r}, 'pointer'); open('pointer')",
    "proc-root": "open('/proc/1/root' + {path!r})",
    "proc-cwd": "open('/proc/self/cwd/../../../../../..' + {path!r})",
    "write": "open({path!r}, 'w')",
    "list": "os.listdir({folder!r})",
}


@needs_bubblewrap
@pytest.mark.parametrize("name", FILE_ATTACKS)
def test_no_file_of_the_machine_is_seen_or_changed(secret, name):
    action = FILE_ATTACKS[name].format(path=str(secret), name=secret.name, folder=str(secret.parent))
    assert harmless("import os\n" + refused(action)).points == 1
    assert secret.read_text(encoding="utf-8") == "secret"
    assert [path.name for path in secret.parent.iterdir()] == ["grades.csv"]


@needs_bubblewrap
@pytest.mark.parametrize("path", ["word2vec.py", "grader/mistakes.py", "utils/gradcheck.py", ".git"])
def test_the_reference_and_the_expected_values_are_not_there(path):
    look = f"import os\nif os.path.exists({str(PROJECT / path)!r}):\n    raise AssertionError('SUCCESS')"
    assert harmless(look).points == 1


def test_nothing_that_a_child_is_given_holds_an_expected_value():
    # Everything a submission can read: its own folder, with what the grader puts there, and the child's program.
    look = """
import pathlib
for path in pathlib.Path(__file__).resolve().parents[1].rglob('*.py'):
    text = path.read_text(encoding='utf-8')
    if '11.1661' + '0900' in text or '16.1511' + '928' in text or 'def minibatch' + 'LossAndGradient' in text:
        raise AssertionError('SUCCESS ' + str(path))
"""
    assert harmless(look).points == 1


@needs_bubblewrap
def test_the_environment_of_other_processes_is_not_seen(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_GRADER", "1")
    look = """
import glob, os
for path in [*glob.glob('/proc/[0-9]*/environ'), f'/proc/{os.getppid()}/environ']:
    try:
        with open(path, 'rb') as file:
            if b'SECRET_OF_THE_GRADER' in file.read():
                raise AssertionError('SUCCESS')
    except OSError:
        pass
"""
    assert harmless(look).points == 1


@needs_bubblewrap
def test_no_process_but_its_own_can_be_seen_or_ended():
    attack = """
import glob, os, signal
if len(glob.glob('/proc/[0-9]*')) > 3:
    raise AssertionError('SUCCESS')
for target in (os.getppid(), 1, GRADER):
    try:
        os.kill(target, signal.SIGKILL)
    except OSError:
        pass
"""
    harmless(attack.replace("GRADER", str(os.getpid())))


@needs_bubblewrap
def test_there_is_no_network_even_for_code_behind_the_hook():
    # In its own namespace a process sees no device but the loopback one.
    look = """
with open('/proc/self/net/dev') as file:
    if {line.split(':')[0].strip() for line in file if ':' in line} - {'lo'}:
        raise AssertionError('SUCCESS')
"""
    assert harmless(look).points == 1


@needs_bubblewrap
def test_it_is_not_root_and_cannot_become_root():
    attack = """
import ctypes, os
if os.geteuid() == 0 or ctypes.CDLL(None).setuid(0) == 0:
    raise AssertionError('SUCCESS')
with open('/proc/self/status') as file:
    if any(line.startswith('CapEff') and int(line.split()[1], 16) for line in file):
        raise AssertionError('SUCCESS')
"""
    assert harmless(attack).points == 1


@needs_bubblewrap
@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", ".", "/var/tmp", "/", "/dev", "/usr", "/grading/solution"])
def test_files_count_against_the_limit_wherever_they_are_written_and_vanish(folder):
    written = """
import os, uuid
written = 0
try:
    for n in range(8):
        with open(os.path.join(FOLDER, 'left-by-an-attack-' + uuid.uuid4().hex), 'wb') as file:
            for _ in range(60):
                written += file.write(bytes(1 << 20))
except OSError:
    pass
if written > 300 << 20:
    raise AssertionError('SUCCESS')
"""
    before = set(Path("/tmp").iterdir()) | set(Path("/dev/shm").iterdir())
    harmless(written.replace("FOLDER", repr(folder)))
    after = set(Path("/tmp").iterdir()) | set(Path("/dev/shm").iterdir())
    assert not any("left-by-an-attack" in path.name for path in after - before)


@needs_bubblewrap
def test_processes_are_limited_for_machine_code_too():
    attack = """
import ctypes, os
libc, started = ctypes.CDLL(None), 0
for _ in range(200):
    child = libc.fork()
    if child == 0:
        import time
        time.sleep(20)
        os._exit(0)
    started += child > 0
if started > 30:
    raise AssertionError('SUCCESS')
"""
    began = time.monotonic()
    harmless(attack)
    assert time.monotonic() - began < 19, "processes left behind hold the grading up"


@needs_bubblewrap
def test_the_solution_that_was_handed_in_cannot_be_changed_for_the_jobs_to_come():
    assert harmless(refused("open(__file__, 'a')")).points == 1


# Who may grade


def test_root_does_not_grade_without_protection_unless_told_to(monkeypatch):
    monkeypatch.setattr(protection, "_best", lambda: Protection("none", True, True, "for this test"))
    with pytest.raises(InputError, match="with all rights of .*for this test.*--unsafe"):
        find_protection()
    assert "UNSAFE" in str(find_protection(unsafe=True))


def test_bubblewrap_that_does_not_work_is_not_used_and_the_reason_is_told(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = protection._best.__wrapped__()
    assert found.kind in ("user", "none")
    assert "No permissions to create new namespace" in found.reason


@needs_root
def test_what_a_user_without_rights_leaves_in_open_folders_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(protection, "SHARED_FOLDERS", (str(tmp_path),))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "left").touch()
    (tmp_path / "kept").touch()
    for path in (tmp_path / "deep" / "left", tmp_path / "deep"):
        os.chown(path, protection.FIRST_USER, -1)
    assert sum(1 for _ in protection.files_of(protection.FIRST_USER, [tmp_path])) == 2
    protection.remove_files_of(protection.FIRST_USER)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


FORKING = """
import ctypes, os, time
if ctypes.CDLL(None).fork() == 0:
    os.setsid()
    time.sleep(600)
    os._exit(0)
"""


@needs_user
def test_as_a_user_without_rights_nothing_outlives_the_grading(monkeypatch):
    # A container without the right to create namespaces: neither bubblewrap nor unshare.
    monkeypatch.setattr(protection, "_unused_user", lambda: USER)
    grading = grade_files(attacking(FORKING), ["sigmoid"], 0, Protection("user", True, network=True))
    assert grading.points == 1
    assert [path for path in Path("/proc").glob("[0-9]*") if protection._belongs_to(path, USER)] == []


USER = protection.FIRST_USER + protection.USERS - 1
USERS_ATTACKS = {
    "remove": "os.remove({path!r})",
    "write": "open({path!r}, 'w')",
    "rename": "os.rename({path!r}, {path!r} + '.gone')",
    "kill": "os.kill(GRADER, 9)",
    "become root": "os.setuid(0)",
    "change the solution": "open(__file__, 'a')",
    "change the program": "open(os.path.dirname(os.path.dirname(__file__)) + '/child.py', 'a')",
}


@needs_user
def test_as_a_user_without_rights_it_can_change_nothing(tmp_path):
    path = tmp_path / "grades.csv"
    path.write_text("secret", encoding="utf-8")
    actions = [a.replace("GRADER", str(os.getpid())).format(path=str(path)) for a in USERS_ATTACKS.values()]
    files = attacking("\n".join(["import os", *map(refused, actions)]))
    grading = grade_files(files, ["sigmoid"], 0, Protection("user", True, network=True))
    assert grading.points == 1 and "without rights" in grading.protection
    assert path.read_text(encoding="utf-8") == "secret"


FORGERIES = {
    "json": "import json; json.dumps = lambda *a, **k: '{}'",
    "base64": "import base64; base64.b64encode = lambda *a, **k: b'AAAAAAAA4D8='",
    "numpy": "np.asarray = np.array = np.ascontiguousarray = lambda *a, **k: 1.0",
    "perform": "import sys; sys.modules['__main__'].perform = lambda *a: [{'value': None}]",
    "encode": "import sys; sys.modules['__main__'].encode = lambda value: {'array': '', 'shape': [0]}",
    "operations": "import sys; sys.modules['__main__'].OPERATIONS.clear()",
    "trace": "import sys; sys.settrace(lambda *a: sys.exit(0))",
    "exit": "import os; os._exit(0)",
    "streams": "import os; os.closerange(0, 256)",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_code_that_tampers_with_the_child_earns_nothing(name):
    files = base()
    wrong = f"    {FORGERIES[name]}\n    return 0 * x\n"
    grading = grade_files({**files, "word2vec.py": files["word2vec.py"].replace(SIGMOID, wrong)}, ["sigmoid"], 0)
    assert grading.points == 0 and grading.troubles == []


def test_a_solution_that_replaces_print_is_graded_all_the_same():
    assert harmless("import builtins\nbuiltins.print = None").points == 1


def test_a_thread_that_is_left_running_does_not_hold_the_grading_up():
    began = time.monotonic()
    assert harmless("import threading, time\nthreading.Thread(target=lambda: time.sleep(600)).start()").points == 1
    assert time.monotonic() - began < 19


SEARCH = """
import gc, sys
found = [o for o in gc.get_objects() if isinstance(o, dict) and 'request' in o and isinstance(o['request'], dict)]
frame = sys._getframe()
while frame:
    found.append(frame.f_locals)
    frame = frame.f_back
text = repr(found) + repr(sorted(sys.modules))
if any(word in text for word in ('expected', 'minibatchLoss', 'grader.', 'FIGURES')):
    raise AssertionError('SUCCESS')
"""


def test_neither_frames_nor_modules_nor_objects_hold_what_is_expected():
    assert harmless(SEARCH).points == 1
