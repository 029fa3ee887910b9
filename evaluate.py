"""Look at saved word vectors and score them, several files side by side.

    python evaluate.py word_vectors.txt                     # word similarity, analogies, sentiment: one table
    python evaluate.py mine.txt glove.6B.50d.txt            # a column for each file
    python evaluate.py neighbours word_vectors.txt good bad
    python evaluate.py analogy word_vectors.txt man king woman
    python evaluate.py odd-one-out word_vectors.txt coffee tea milk snow
    python evaluate.py map word_vectors.txt --words good,bad,rain,snow --out map.png
    python evaluate.py heatmap word_vectors.txt --words good,bad,rain,snow --out cosines.png

What has no data to score with is left out of the table, with a line that says how to get them.
"""

import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from utils.corpus import sample
from utils.pictures.charts import heat_map
from utils.pictures.confusion import confusion_picture
from utils.pictures.webmap import html_map
from utils.pictures.wordmap import MAP_GROUPS, MAP_WORDS, word_map
from utils.scoring import sentiment, table, wordsets
from utils.system import console
from utils.system.errors import InputError
from utils.system.files import replacing
from utils.treebank import DEFAULT_FOLDER, StanfordSentiment
from utils.vectors.files import load_vectors
from utils.vectors.wordvectors import METHODS, WordVectors

SIMILARITY, ANALOGIES, SENTIMENT = TASKS = ("similarity", "analogies", "sentiment")
SET_FILES = {SIMILARITY: wordsets.SIMILARITY_FILES, ANALOGIES: wordsets.ANALOGY_FILES}
SETS_VARIABLE = "EVAL_SETS"
NEIGHBOURS = 10
MAPS = {".png": word_map, ".html": html_map}


# The command line


def parse(arguments):
    """Parse the command line; without the name of a command it is `score`."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] not in (*COMMANDS, "-h", "--help"):
        arguments.insert(0, "score")
    parser = console.ArgumentParser(
        prog="evaluate.py",
        description="Look at saved word vectors and score them.",
        epilog="`evaluate.py FILE [FILE ...]` is short for `evaluate.py score FILE [FILE ...]`; "
        "`evaluate.py COMMAND --help` tells the options of a command.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (purpose, add_options, _) in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        add_options(command)
        command.add_argument(
            "--limit", type=console.whole_number(1), metavar="N", help="read only the first N words of a file"
        )
    args = parser.parse_args(arguments)
    if args.command == "score":
        choose_tasks(args, parser)
    return args


def score_options(parser):
    """Options of `score`."""
    at_least_one = console.whole_number(1)
    parser.add_argument("files", nargs="+", metavar="FILE", help="saved word vectors")
    parser.add_argument("--only", metavar="TASK,...", help=f"of {', '.join(TASKS)} (all that there are data for)")
    parser.add_argument(
        "--sets",
        metavar="DIR",
        help="folder of the similarity and analogy sets "
        f"(default: ${SETS_VARIABLE}, else where `get_datasets.sh evaluation` puts them)",
    )
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", metavar="DIR", help="the treebank's folder (default: where get_datasets.sh puts it)")
    data.add_argument("--sample", action="store_true", help="sentiment of the built-in sample treebank instead")
    parser.add_argument(
        "--restrict",
        type=at_least_one,
        default=wordsets.RESTRICT,
        metavar="N",
        help="ask and answer analogies with the first N words of a file (%(default)s)",
    )
    parser.add_argument("--normalize", action="store_true", help="sentiment with unit-length word vectors as well")
    parser.add_argument(
        "--seeds",
        type=at_least_one,
        default=sentiment.RANDOM_SEEDS,
        metavar="N",
        help="sets of random vectors to compare with (%(default)s)",
    )
    parser.add_argument("--confusion", metavar="FILE.png", help="draw the confusion matrices of sentiment on test")
    parser.add_argument("--json", metavar="FILE", help="write all scores as JSON, too")


def choose_tasks(args, parser):
    """Set `args.tasks`, what is to be scored, and `args.asked`, the part of it that must not be left out."""
    tasks = TASKS if args.only is None else tuple(task.strip() for task in args.only.split(","))
    if unknown := [task for task in tasks if task not in TASKS]:
        parser.error(f"--only wants some of {', '.join(TASKS)}, got {unknown[0]!r}")
    wants_sentiment = {"--confusion": args.confusion, "--normalize": args.normalize, "--sample": args.sample}
    needy = [option for option, given in wants_sentiment.items() if given]
    if needy and SENTIMENT not in tasks:
        parser.error(f"{needy[0]} goes with sentiment, which --only {args.only} leaves out")
    args.tasks = tasks
    args.asked = tasks if args.only is not None else (SENTIMENT,) if needy else ()


def question_options(add_words, answers=True):
    """Make the options of a command that asks a file about words; `add_words(parser)` adds those."""

    def add(parser):
        parser.add_argument("file", metavar="FILE", help="saved word vectors")
        add_words(parser)
        parser.add_argument("--centre", action="store_true", help="take the mean of all vectors away first")
        if answers:
            parser.add_argument(
                "-n", type=console.whole_number(1), default=NEIGHBOURS, metavar="N", help="answers (%(default)s)"
            )

    return add


def several_words(parser):
    parser.add_argument("words", nargs="+", metavar="WORD")


def three_words(parser):
    for name in "abc":
        parser.add_argument(name, metavar=name.upper())


def map_options(parser):
    """Options of `map`."""
    parser.add_argument("file", metavar="FILE", help="saved word vectors")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--words", metavar="W1,W2,...", help="words of the map (default: the handout's 24)")
    words.add_argument("--top", type=console.whole_number(1), metavar="N", help="the first N words of the file instead")
    parser.add_argument("--out", required=True, metavar="FILE", help="a picture, FILE.png, or a page, FILE.html")


def heat_map_options(parser):
    """Options of `heatmap`."""
    parser.add_argument("file", metavar="FILE", help="saved word vectors")
    parser.add_argument("--words", metavar="W1,W2,...", help="words of the picture (default: the handout's 24)")
    parser.add_argument("--out", required=True, metavar="FILE.png")
    parser.add_argument("--centre", action="store_true", help="take the mean of all vectors away first")


# Scoring


def score(args):
    """Print the table; write JSON and picture if asked."""
    data, notes = read_data(args)
    settings = table.Settings(args.restrict, args.normalize, args.seeds)
    columns = []
    for file in tqdm(args.files, desc="scoring", unit="file", disable=None, leave=False):
        columns.append(table.score(file, load_vectors(file, args.limit), data, settings))
    print(*(line.rstrip() for line in table.table(columns, settings)), *notes, sep="\n")
    if args.json:
        with replacing(args.json) as file:
            json.dump([dataclasses.asdict(column) for column in columns], file, indent=1, allow_nan=False)
            file.write("\n")
        print(f"wrote {args.json}")
    if args.confusion:
        matrices = [(column.file, column.sentiment.vectors.confusion) for column in columns]
        confusion_picture(matrices, sentiment.CLASSES, args.confusion)
        print(f"wrote {args.confusion}")


def read_data(args):
    """Read what the tasks need; what was asked for by name must be there.

    Returns
    -------
    data : Data
    notes : list of str
        What is left out, and how to get it.
    """
    paths, notes = find_sets(args)
    pairs = {title: wordsets.read_pairs(path) for title, path in paths.get(SIMILARITY, {}).items()}
    questions = {}
    for path in paths.get(ANALOGIES, {}).values():
        questions |= wordsets.read_questions(path)
    splits, note = read_splits(args) if SENTIMENT in args.tasks else ({}, None)
    notes += [note] if note else []
    if not (pairs or questions or splits):
        raise InputError(f"there is nothing to score with: {'; '.join(notes)}")
    return table.Data(pairs, questions, splits), [f"left out: {note}" for note in notes]


def find_sets(args):
    """Look for the files of word similarity and analogies.

    Returns
    -------
    paths : dict of str to dict of str to Path
        Task -> title -> file.
    notes : list of str
        At most one: what is missing, and how to get it.
    """
    given = args.sets or os.environ.get(SETS_VARIABLE)
    folder = Path(given or wordsets.DEFAULT_FOLDER)
    if given and not folder.is_dir():
        raise InputError(f"{folder} is no folder; give that of the evaluation sets (--sets or {SETS_VARIABLE})")
    wanted = {task: files for task, files in SET_FILES.items() if task in args.tasks}
    paths = {
        task: {title: path for title, names in files.items() if (path := wordsets.find_file(folder, names))}
        for task, files in wanted.items()
    }
    missing = [title for task, files in wanted.items() for title in files if title not in paths[task]]
    remedy = f"in {folder}: fetch with `sh get_datasets.sh evaluation`, or name their folder with --sets DIR"
    for task, files in wanted.items():
        if task in args.asked and not paths[task]:
            raise InputError(f"--only asks for {task}, but {' and '.join(files)} are not {remedy}")
    if given and wanted and not any(paths.values()):
        names = [names[0] for files in wanted.values() for names in files.values()]
        raise InputError(f"{folder} holds none of the evaluation sets; wanted {', '.join(names)}")
    return paths, [f"{', '.join(missing)}: not {remedy}"] if missing else []


def read_splits(args):
    """The treebank's splits and None; or an empty dict and a note, if it is not where it is by default."""
    if args.sample:
        with tempfile.TemporaryDirectory() as scratch:
            return sentiment.read_splits(StanfordSentiment(sample.write_sample_treebank(scratch))), None
    if args.data is None and not DEFAULT_FOLDER.is_dir():
        note = (
            f"sentiment: the treebank is not in {DEFAULT_FOLDER}: fetch it with `sh get_datasets.sh`, name its folder "
            "with --data DIR, or take the built-in sample with --sample"
        )
        if SENTIMENT in args.asked:
            raise InputError(f"cannot score {note}")
        return {}, note
    return sentiment.read_splits(StanfordSentiment(args.data)), None


# Looking


def open_file(args):
    """The vectors of the file, about their mean if asked."""
    vectors = load_vectors(args.file, args.limit)
    if args.centre:
        vectors = WordVectors(vectors.words, vectors.vectors - vectors.vectors.mean(axis=0))
    return vectors


def spelling(vectors, word):
    """A word as the vectors have it: as it is written, else in lower case, else as it is, for them to complain of."""
    row = wordsets.row_of(vectors, word)
    return word if row is None else vectors.words[row]


def print_answers(heading, found):
    width = max((len(word) for word, _ in found), default=0)
    print(heading, *(f"  {word:{width}}  {value:.3f}" for word, value in found), sep="\n")


def neighbours(args):
    """Print the nearest neighbours of each word."""
    vectors = open_file(args)
    answers = {word: vectors.most_similar(word, topn=args.n) for word in (spelling(vectors, w) for w in args.words)}
    for word, found in answers.items():
        print_answers(f"{word}, nearest by cosine:", found)


def analogy(args):
    """Print what is to C as B is to A."""
    vectors = open_file(args)
    a, b, c = (spelling(vectors, word) for word in (args.a, args.b, args.c))
    for method in METHODS:
        print_answers(f"{a} is to {b} as {c} is to, by {method}:", vectors.analogy(a, b, c, method, args.n))


def odd_one_out(args):
    """Print the word that does not belong to the others."""
    vectors = open_file(args)
    print(vectors.doesnt_match([spelling(vectors, word) for word in args.words]))


def choose_words(args, vectors):
    """The words of a picture that have a vector, each once, with a notice of the others on standard error."""
    asked = list(MAP_WORDS) if args.words is None else [w.strip() for w in args.words.split(",") if w.strip()]
    rows = [wordsets.row_of(vectors, word) for word in asked]
    unknown = [word for word, row in zip(asked, rows, strict=True) if row is None]
    if len(unknown) == len(asked):
        raise InputError(f"none of the words to draw is in {args.file}: {', '.join(asked)}; give other --words")
    if unknown:
        print(f"not in {args.file}, left out: {', '.join(unknown)}", file=sys.stderr)
    return list(dict.fromkeys(vectors.words[row] for row in rows if row is not None))


def draw_map(args):
    """Draw words in the plane of their first two directions."""
    if (ending := Path(args.out).suffix.lower()) not in MAPS:
        raise InputError(f"--out wants a file that ends in {' or '.join(MAPS)}, got {args.out}")
    vectors = load_vectors(args.file, args.limit)
    words = vectors.words[: args.top] if args.top else choose_words(args, vectors)
    MAPS[ending](words, vectors[words], args.out, MAP_GROUPS)
    print(f"wrote {args.out}")


def draw_heat_map(args):
    """Draw the cosines of words as a heat map, like ones beside each other."""
    vectors = open_file(args)
    words = choose_words(args, vectors)
    directions = vectors.directions[[vectors.index[word] for word in words]]  # (n, d)
    heat_map(directions @ directions.T, words, words, args.out, order="similar")
    print(f"wrote {args.out}")


COMMANDS = {
    "score": ("score word similarity, analogies and sentiment, a column for each file", score_options, score),
    "neighbours": ("print the nearest neighbours of words", question_options(several_words), neighbours),
    "analogy": ("print what is to C as B is to A", question_options(three_words), analogy),
    "odd-one-out": ("print the word that does not belong", question_options(several_words, False), odd_one_out),
    "map": ("draw words in the plane of their first two directions", map_options, draw_map),
    "heatmap": ("draw the cosines between words", heat_map_options, draw_heat_map),
}


def main(arguments=None):
    """Do what the command line asks; return the exit status."""
    args = parse(arguments)
    COMMANDS[args.command][2](args)
    return 0


if __name__ == "__main__":
    console.run(main)
