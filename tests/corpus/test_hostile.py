"""Damaged files, a few hundred cases of what `fuzz.py` tries ten thousand of; and that a fault would be seen."""

import io
import itertools
import re
import tracemalloc
import zipfile

import fuzz
import numpy as np
import parsers as table
import pytest
from fuzz import KINDS, Damage, Fault, draw_damages, memory_traced, run_case, run_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from parsers import Parser, contents_of, parsers, read_treebank, without

from utils.corpus.sample import write_sample_treebank
from utils.system.errors import InputError
from utils.system.npy import array_from
from utils.treebank import StanfordSentiment

by_parser = pytest.mark.parametrize("parser", parsers(), ids=lambda parser: parser.name)
PARTS = st.floats(0, 1, exclude_max=True)
DAMAGES = st.builds(Damage, st.sampled_from(list(KINDS)), PARTS, PARTS, st.integers(0, 255))


@pytest.fixture
def traced():
    with memory_traced():
        yield


# Every parser


@by_parser
def test_random_damage_ends_in_a_result_or_a_refusal(parser, traced):
    for ended, faults in run_cases(parser, 20, seed="default"):  # noqa: B007
        pass
    assert len(ended) == 20, faults[0]


@by_parser
@settings(max_examples=6)
@given(data=st.data())
def test_any_damage_ends_in_a_result_or_a_refusal(parser, data):
    seed = data.draw(st.integers(0, len(parser.seeds) - 1))
    with memory_traced():
        run_case(parser, seed, data.draw(st.lists(DAMAGES, min_size=1, max_size=4)))


@by_parser
def test_any_bytes_end_in_a_result_or_a_refusal(parser, traced):
    for n, choice in itertools.product((0.0, 0.5, 0.99), range(3)):
        run_case(parser, 0, [Damage("replace all", 0, n, choice)])


@by_parser
def test_each_number_near_the_front_may_boast(parser, traced):
    numbers = list(re.finditer(rb"\d+", parser.seeds[0]))
    for i, choice in itertools.product(range(min(3, len(numbers))), range(len(fuzz.BOASTS))):
        place = -(-i * len(parser.seeds[0]) // len(numbers)) / len(parser.seeds[0]) + 1e-9
        damage = Damage("boast", place, 0, choice)
        assert damage(parser.seeds[0])[: numbers[i].start()] == parser.seeds[0][: numbers[i].start()]
        run_case(parser, 0, [damage])


def test_what_a_library_quotes_of_a_file_is_cut_short():
    parser = next(parser for parser in parsers() if parser.name == "vectors.npz")
    damages = [  # after which zipfile quotes half of the archive as the name of a file
        Damage("change a byte", 0.3017437822863299, 0.9835076968995798, 109),
        Damage("turn round", 0.00028727875347159064, 0.7704293326005561, 247),
    ]
    refusal = run_case(parser, 0, damages).refusal
    assert "File name in directory" in refusal
    assert refusal.endswith("...")


@pytest.mark.parametrize("name", ["saved_params_14.npy", "saved_state_14.json"])
def test_a_checkpoint_of_which_any_byte_is_changed_is_refused(name):
    parser = next(parser for parser in parsers() if parser.name == name)
    size = len(parser.seeds[0])
    for at in range(0, size, 1 + size // 100):
        for choice in (0x0A, at % 256):  # a line end, which in JSON means no more than a blank, and any byte
            damage = Damage("change a byte", (at + 0.5) / size, 0, choice)
            changed = damage(parser.seeds[0]) != parser.seeds[0]
            assert (run_case(parser, 0, [damage]).refusal is not None) == changed


@pytest.mark.parametrize(
    "old, new", [(b'"settings"', b'"sittings"'), (b'{"dim": 2}', b"[2]"), (b'"format": 1', b'"format": 2')]
)
def test_a_forged_state_that_lacks_something_is_refused(tmp_path, old, new):
    parser = next(parser for parser in parsers() if parser.name == "saved_state_14.json, forged")
    for name, data in {**parser.beside, parser.file: parser.seeds[0].replace(old, new, 1)}.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=f"checkpoint 14 in {tmp_path} is passed over"):
        parser.parse(tmp_path / parser.file)


# Large files and headers


def test_labels_and_split_of_a_large_treebank_take_less_than_its_files(tmp_path):
    """What stands in the files and is not asked for is not kept."""
    folder = write_sample_treebank(tmp_path / "t", 1000)
    filling = b"".join(b"a phrase of no sentence, number %d|%d\n" % (i, 10**6 + i) for i in range(30_000))
    with (folder / "dictionary.txt").open("ab") as file:
        file.write(filling)
    size = sum(map(len, contents_of(folder).values()))
    treebank = StanfordSentiment(folder)
    sentences = treebank.numSentences()  # the text itself is another matter: it is there to be held
    tracemalloc.start()
    try:
        assert len(treebank.sent_labels()) == sentences
        assert sum(map(len, treebank.dataset_split())) == sentences
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 1_500_000
    assert taken < size


def npy(header, data=bytes(48), version=b"\x01\x00"):
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + data


def header(shape="(3, 2)", descr="'<f8'", order="False", end=", }\n"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}{end}".encode()


@pytest.mark.parametrize("shape", [(), (0,), (3,), (3, 2), (2, 0, 4)])
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "i2", "?", "U3"])
@pytest.mark.parametrize("order", "CF")
def test_what_numpy_saves_is_read(shape, dtype, order):
    array = np.asarray(np.arange(np.prod(shape)).reshape(shape), dtype=dtype, order=order)
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    got = array_from(file.getvalue())
    assert (got.dtype, got.shape, got.tobytes()) == (array.dtype, array.shape, array.tobytes())


ZIP = io.BytesIO()
with zipfile.ZipFile(ZIP, "w") as archive:
    archive.writestr("x.npy", bytes(1000))
HEADERS = {
    "a huge first axis": npy(header("(1000000000, 2)")),
    "a huge product": npy(header("(1000000, 1000000, 1000000)")),
    "more than any machine counts": npy(header("(10000000000000000000000, 2)")),
    "a huge item": npy(header("(3, 2)", "'|V1000000000'")),
    "huge and empty": npy(header("(100000000000000000000000, 0)"), b""),
    "negative": npy(header("(-3, -2)")),
    "negative, with one unknown": npy(header("(-1, 2, -3)")),
    "no bytes an item": npy(header("(3, 2)", "'<U0'"), b""),
    "less than follows": npy(header("(3, 1)")),
    "objects": npy(header(descr="'|O'")),
    "a pickle": b"\x80\x04N.",
    "a zip": ZIP.getvalue(),
    "another version": npy(header(), version=b"\x02\x00"),
    "an unknown version": npy(header(), version=b"\x03\x00"),
    "no shape": npy(b"{'descr': '<f8', 'fortran_order': False}\n"),
    "never closed": npy(header(end=", ")),
    "nested": npy(header("(" * 3000 + ")" * 3000)),
    "numbers of Python 2": npy(header("(3L, 2L)")),
    "no header": npy(b""),
    "nothing": b"",
}


@pytest.mark.parametrize("data", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_lies_is_refused_and_fetches_no_memory(data, traced):
    before, _ = tracemalloc.get_traced_memory()
    with pytest.raises(ValueError, match="is not a .npy file of numbers"):
        array_from(data)
    # Parsing 6,000 brackets takes the most; the smallest lie announces 6 GB.
    assert tracemalloc.get_traced_memory()[1] - before < 3_000_000


# That a fault would be seen


def fake(parse, **settings):
    return Parser("fake", "file.txt", (b"1\n2\n3\n",), parse, **settings)


def refusing(message):
    def parse(path):
        raise InputError(message.format(path=path, folder=path.parent))

    return parse


def forever(path):
    while True:
        pass


def not_like_that(result, whole, changed):
    assert result != b"1\n2\n3", "impossible"


FAULTS = {
    "another exception": (fake(lambda path: {}["x"]), "KeyError: 'x'"),
    "out of memory": (fake(lambda path: np.zeros(1 << 60)), "MemoryError"),
    "much memory": (fake(lambda path: np.empty(200_000)), r"1,60\d,\d+ bytes beyond twice the 5 of its files"),
    "no file": (fake(refusing("it is bad")), "does not name the file"),
    "no line": (fake(refusing("{path} is bad"), text=True), "does not name the line"),
    "another line": (fake(refusing("{path}, line 4: bad"), text=True), "a line that file.txt does not have"),
    "a long line": (fake(refusing("{path}, line 2: " + "bad " * 250), text=True), "more than one line"),
    "two lines": (fake(refusing("{path}, line 2: bad\nvery bad"), text=True), "more than one line"),
    "no end": (fake(forever), "no end after"),
    "a wrong result": (fake(lambda path: path.read_bytes(), check=not_like_that), "impossible"),
}


@pytest.mark.parametrize(("parser", "complaint"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_neither_result_nor_refusal_is_a_fault(parser, complaint, traced, monkeypatch):
    monkeypatch.setattr(fuzz, "SECONDS", 0.2)
    monkeypatch.setattr(fuzz, "_whole", lambda parser, seed: None)
    damage = Damage("cut off the end", 0.9, 0, 0)
    with pytest.raises(Fault, match=complaint) as fault:
        run_case(parser, 0, [damage])
    assert f"fake, seed 0, [{damage}]" in str(fault.value)


def test_a_good_refusal_is_none():
    assert run_case(fake(refusing("{path}, line 3: bad"), text=True), 0, []).refusal.endswith("line 3: bad")
    assert run_case(fake(refusing("{folder} is bad")), 0, []).refusal.endswith("is bad")


def test_a_seed_that_is_refused_is_a_fault():
    parser = fake(lambda path: refusing("{path} is bad")(path) if path.read_bytes() == b"1\n2\n3\n" else 0)
    with pytest.raises(Fault, match="the seed itself is refused"):
        run_case(parser, 0, [Damage("cut off the end", 0.5, 0, 0)])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_damage_changes_a_file_and_is_repeated_by_its_numbers(kind):
    data = b"".join(b"%d " % i for i in range(50, 120))
    damaged = [Damage(kind, 0.4, 0.5, choice)(data) for choice in range(3, 9)]
    assert all(other != data for other in damaged)
    assert damaged == [Damage(kind, 0.4, 0.5, choice)(data) for choice in range(3, 9)]
    assert isinstance(Damage(kind, 0, 0, 0)(b""), bytes)


def test_other_seeds_draw_other_damage():
    assert len({str(draw_damages(fuzz.random.Random(seed))) for seed in range(50)}) == 50


def test_the_long_form_prints_a_table_and_ends_with_status_0(capsys):
    assert fuzz.main(["--cases", "8", "--seed", "3", "--only", "zip"]) == 0
    *_, row, summary = capsys.readouterr().out.splitlines()
    name, cases, results, refusals, faults = row.split()[:5]
    assert (name, cases, faults) == ("zip", "8", "0")
    assert int(results) + int(refusals) == 8
    assert summary == "8 cases from seed 3: no faults"


def test_the_long_form_shows_a_fault_and_ends_with_status_1(capsys, monkeypatch):
    treebank = next(parser for parser in parsers() if parser.name == "dictionary.txt")

    def stumbling(path):
        if path.read_bytes() != treebank.seeds[0]:
            raise KeyError("damage")
        return read_treebank(path)

    bad = Parser(
        "bad", "dictionary.txt", treebank.seeds, stumbling, True, beside=without(treebank.beside, "dictionary.txt")
    )
    monkeypatch.setattr(fuzz, "parsers", lambda: (bad,))
    assert fuzz.main(["--cases", "3"]) == 1
    out = capsys.readouterr().out
    assert "KeyError: 'damage'" in out
    assert out.splitlines()[-1] == "3 cases from seed 0: 3 faults"


def test_an_unknown_parser_is_refused():
    with pytest.raises(InputError, match="no parser has 'nothing' in its name: datasetSentences.txt, "):
        fuzz.main(["--only", "nothing"])


def test_a_result_for_a_damaged_file_is_looked_at():
    """The checks themselves: each refuses a result that cannot be."""
    good = read_treebank_of(parsers()[0])
    for wrong in ({"words": ["", *good["words"][1:]]}, {"labels": [2.0] * 20}, {"split": [[0], [1], [2]]}):
        with pytest.raises((AssertionError, KeyError)):
            table.check_treebank(good | wrong, good, True)
    with pytest.raises(AssertionError, match="another content"):
        table.check_unpacked({"a": b"x"}, {"a": b"y", "b": b"z"}, True)
    with pytest.raises(AssertionError, match="is taken"):
        table.check_nothing_changed(None, None, True)


def read_treebank_of(parser):
    return fuzz._whole(parser, 0)
