"""Look at saved word vectors and score them, several files side by side.

    python evaluate.py word_vectors.txt                     # word similarity, analogies, sentiment: one table
    python evaluate.py mine.txt glove.6B.50d.txt            # a column for each file
    python evaluate.py stability seed0.txt seed1.txt        # how many nearest neighbours stay the same
    python evaluate.py neighbours word_vectors.txt good bad
    python evaluate.py analogy word_vectors.txt man king woman
    python evaluate.py odd-one-out word_vectors.txt coffee tea milk snow
    python evaluate.py map word_vectors.txt --words good,bad,rain,snow --out map.png
    python evaluate.py heatmap word_vectors.txt --words good,bad,rain,snow --out cosines.png

A file that has the vectors of n-grams (.npz of a training with --subwords, a model.bin of fastText) answers for words
that it does not have, too, and these are marked as composed.
What has no data to score with is left out of the table, with a line that says how to get them.
"""

import dataclasses
import os
import sys
from argparse import BooleanOptionalAction
from difflib import get_close_matches
from pathlib import Path

from utils.commands import options
from utils.commands.inputs import files_to_read, missing_treebank, refuse_overwriting
from utils.commands.words import MAP_WORDS, groups_of, telling_words
from utils.corpus.published import EVALUATION_SETS
from utils.scoring import sentiment, sets, stability, table, wordsets
from utils.system import console
from utils.system.bar import Bar
from utils.system.console import say
from utils.system.errors import InputError
from utils.system.files import check_regular, refuse_missing_folder, write_json
from utils.treebank import DEFAULT_FOLDER, StanfordSentiment, sample_treebank
from utils.vectors.files import load_vectors
from utils.vectors.view import view
from utils.vectors.wordvectors import METHODS

SIMILARITY, ANALOGIES, SENTIMENT = TASKS = ("similarity", "analogies", "sentiment")
SET_FILES = {SIMILARITY: sets.SIMILARITY_FILES, ANALOGIES: sets.ANALOGY_FILES}
NEIGHBOURS = 10
WORDS = "words of the picture (default: the handout's 24 if most are in the file, else some of its frequent words)"
MAP_ENDINGS = (".png", ".html")
COMPOSED = "composed from n-grams"
LITERAL = "\0"  # begins a word that argparse must not take for an option; no argument can contain it


# The command line


def parse(arguments):
    """Parse the command line; without the name of a command it is `score`."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = console.ArgumentParser(
        prog="evaluate.py",
        description="Look at saved word vectors and score them.",
        epilog="`evaluate.py FILE [FILE ...]` is short for `evaluate.py score FILE [FILE ...]`; "
        "`evaluate.py COMMAND --help` shows the options of a command.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (purpose, add_options, _) in COMMANDS.items():
        spellings = [other for other, meant in ALIASES.items() if meant == name]
        description = f"{purpose[0].upper()}{purpose[1:]}."
        command = commands.add_parser(name, help=purpose, description=description, aliases=spellings)
        add_options(command)
        command.add_argument(
            "--limit", type=console.whole_number(1), metavar="N", help="read only the first N words of a file"
        )
        command.add_argument("--strict", action="store_true", help="refuse words that are not UTF-8")
    args = parser.parse_args(as_literals(with_command(arguments, parser)))
    args.command = ALIASES.get(args.command, args.command)
    if args.command == "score":
        choose_tasks(args, parser)
    return args


def with_command(arguments, parser):
    """The arguments, with `score` before them if they begin with a file; a mistyped command is an error."""
    if arguments and arguments[0] in (*COMMANDS, *ALIASES, "-h", "--help"):
        return arguments
    first = arguments[0] if arguments else "-"
    near = get_close_matches(first.lower(), COMMANDS, 1)
    if near and not Path(first).suffix and not Path(first).exists():
        parser.error(f"there is no command or file {first!r}: did you mean {near[0]}?")
    return ["score", *arguments]


def as_literals(arguments):
    """Mark what argparse must not take for an option.

    That is the word "--", which stands in many texts, and everything behind a "--" that has an option's look behind it.
    Python's versions differ in what they do with "--"; none is left for them.
    """
    marked = []
    for i, argument in enumerate(arguments):
        if argument != "--":
            marked.append(argument)
        elif i + 1 < len(arguments) and arguments[i + 1].startswith("-"):
            return marked + [LITERAL + other for other in arguments[i + 1 :]]
        else:
            marked.append(LITERAL + argument)
    return marked


def literal(argument):
    """Argparse type: a word or a file, whatever it begins with."""
    return argument.removeprefix(LITERAL)


def score_options(parser):
    """Options of `score`."""
    at_least_one = console.whole_number(1)
    add_files(parser)
    parser.add_argument(
        "--only", metavar="TASK,...", help=f"some of {', '.join(TASKS)} (default: all that there are data for)"
    )
    parser.add_argument(
        "--sets",
        metavar="DIR",
        help="folder of the similarity and analogy sets; any file there of two words and a number per line is a set, "
        f"too (default: ${sets.VARIABLE}, else where `get_datasets.sh evaluation` puts them)",
    )
    options.add_treebank(parser)
    parser.add_argument(
        "--restrict",
        type=at_least_one,
        default=wordsets.RESTRICT,
        metavar="N",
        help="ask and answer analogies with the first N words of a file",
    )
    parser.add_argument("--normalize", action="store_true", help="sentiment with unit-length word vectors as well")
    parser.add_argument(
        "--seeds",
        type=at_least_one,
        default=sentiment.RANDOM_SEEDS,
        metavar="N",
        help="sets of random vectors to compare with",
    )
    parser.add_argument("--confusion", metavar="FILE.png", help="draw the confusion matrices of sentiment on test")
    parser.add_argument("--json", metavar="FILE", help="write all scores as JSON, too")


def stability_options(parser):
    """Options of `stability`."""
    add_files(parser)
    add_centre(parser)
    parser.add_argument(
        "--restrict",
        type=console.whole_number(1),
        default=wordsets.RESTRICT,
        metavar="N",
        help="ask about and search the first N words that all files have",
    )
    parser.add_argument("--json", metavar="FILE", help="write the table as JSON, too")


def add_files(parser):
    parser.add_argument("files", nargs="+", type=literal, metavar="FILE", help="saved word vectors")


def add_file(parser):
    parser.add_argument("file", type=literal, metavar="FILE", help="saved word vectors")


def add_centre(parser):
    """Declare --centre, which decides about the mean vector."""
    parser.add_argument(
        "--centre",
        "--center",
        action=BooleanOptionalAction,
        help="take the mean vector away first, or do not (default: if most of each vector is common to all)",
    )


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
    """Make the options of a command that asks a file about words; `add_words(parser)` adds these."""

    def add(parser):
        add_file(parser)
        add_words(parser)
        add_centre(parser)
        if answers:
            parser.add_argument(
                "-n", type=console.whole_number(1), default=NEIGHBOURS, metavar="N", help="number of answers"
            )

    return add


def several_words(parser):
    parser.add_argument("words", nargs="+", type=literal, metavar="WORD")


def neighbour_words(parser):
    """Declare the words whose neighbours are asked for, and among how many."""
    several_words(parser)
    parser.add_argument(
        "--restrict",
        type=console.whole_number(1),
        metavar="N",
        help="search the first N words of the file (default: an eighth of them, but at least 500)",
    )


def three_words(parser):
    for name in "abc":
        parser.add_argument(name, type=literal, metavar=name.upper())


def map_options(parser):
    """Options of `map`."""
    add_file(parser)
    add_centre(parser)
    words = parser.add_mutually_exclusive_group()
    options.add(words, "--words", help=WORDS)
    words.add_argument("--top", type=console.whole_number(1), metavar="N", help="the first N words of the file instead")
    parser.add_argument("--out", required=True, metavar="FILE", help="a picture, FILE.png, or a page, FILE.html")


def heat_map_options(parser):
    """Options of `heatmap`."""
    add_file(parser)
    options.add(parser, "--words", help=WORDS)
    parser.add_argument("--out", required=True, metavar="FILE.png")
    add_centre(parser)


# Scoring


def score(args):
    """Print the table; write JSON and picture if asked."""
    for file in args.files:
        check_regular(Path(file))  # before the data: whoever mistypes a file should hear of that
    refuse_overwriting(args.files, [args.json, args.confusion])
    if args.json:
        refuse_missing_folder(args.json)
    data, notes = read_data(args)
    settings = table.Settings(args.restrict, args.normalize, args.seeds)
    found = []
    for file in Bar(args.files, desc="scoring", unit="file", disable=None, leave=False):
        found.append(table.find(file, load_vectors(file, args.limit, strict=args.strict), data, settings))
    columns = table.compare(found, data)
    if args.json:
        write_json(args.json, [dataclasses.asdict(column) for column in columns])
    if args.confusion:
        from utils.pictures.confusion import confusion_picture

        matrices = [(column.file, column.sentiment.vectors.confusion) for column in columns]
        confusion_picture(matrices, sentiment.CLASSES, args.confusion)
    say(*(line.rstrip() for line in table.table(columns, settings)), *notes)
    say(*(f"wrote {file}" for file in (args.json, args.confusion) if file))


def compare_neighbours(args):
    """Print how many nearest neighbours several files have in common."""
    refuse_overwriting(args.files, [args.json])
    if args.json:
        refuse_missing_folder(args.json)
    spaces = [load_vectors(file, args.limit, strict=args.strict) for file in args.files]
    common, bands = stability.stability(spaces, args.restrict, args.centre)
    if args.json:
        content = {"files": args.files, "common": common, "bands": [dataclasses.asdict(band) for band in bands]}
        write_json(args.json, content)
    say(*stability.lines(args.files, common, bands))
    say(*(f"wrote {file}" for file in (args.json,) if file))


def read_data(args):
    """Read what the tasks need; what was asked for by name must be there.

    Returns
    -------
    data : Data
    notes : list of str
        What is left out, and how to get it.
    """
    paths, notes = find_sets(args)
    read = [path for found in paths.values() for path in found.values()]
    refuse_overwriting([*read, *files_to_read(args.data)], [args.json, args.confusion])
    pairs = {title: sets.read_pairs(path) for title, path in paths.get(SIMILARITY, {}).items()}
    questions = {title: sets.read_questions(path) for title, path in paths.get(ANALOGIES, {}).items()}
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
    given = args.sets or os.environ.get(sets.VARIABLE)
    folder = Path(args.sets or sets.default_folder())
    if given and not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give that of the evaluation sets (--sets or {sets.VARIABLE})")
    wanted = {task: files for task, files in SET_FILES.items() if task in args.tasks}
    found = dict(zip((SIMILARITY, ANALOGIES), sets.find_sets(folder), strict=True))
    paths = {task: found[task] for task in wanted}
    fetched = {data_set.title for data_set in EVALUATION_SETS}
    missing = [title for task, files in wanted.items() for title in files if title in fetched - {*paths[task]}]
    remedy = f"in {folder}: fetch with `sh get_datasets.sh evaluation`, or name their folder with --sets DIR"
    for task, files in wanted.items():
        if task in args.asked and not paths[task]:
            raise InputError(f"--only asks for {task}, but {', '.join(files)} are not {remedy}")
    if given and wanted and not any(paths.values()):
        names = [names[0] for files in wanted.values() for names in files.values()]
        raise InputError(f"{folder} holds none of the evaluation sets; wanted {', '.join(names)}, or others like them")
    return paths, [f"{', '.join(missing)}: not {remedy}"] if missing else []


def read_splits(args):
    """The treebank's splits and None; or an empty dict and a note, if it is not in its default place."""
    if args.sample:
        return sentiment.read_splits(sample_treebank()), None
    if args.data is None and not DEFAULT_FOLDER.is_dir():
        note = f"sentiment: {missing_treebank('evaluate.py')}"
        if SENTIMENT in args.asked:
            raise InputError(f"cannot score {note}")
        return {}, note
    return sentiment.read_splits(StanfordSentiment(args.data)), None


# Looking


def open_file(args, among=None):
    """The vectors of the file as all commands show them: see `utils.vectors.view`. Says so if they are centred."""
    refuse_overwriting([args.file], [getattr(args, "out", None)])
    shown = view(load_vectors(args.file, args.limit, strict=args.strict), args.centre, among)
    if shown.centred and args.centre is None:
        console.note(
            f"{args.file}: about the mean of the first {shown.among:,} vectors, whose mean cosine is "
            f"{shown.mean_cosine:.2f} (--no-centre shows them as they are)"
        )
    return shown


def spelling(vectors, word):
    """A word as the vectors have it: see `wordsets.spelling`; else unchanged, for the error to name."""
    return wordsets.spelling(vectors, word) or word


def marked(vectors, word):
    """A word, with a mark if its vector is composed."""
    return f"{word} ({COMPOSED})" if vectors.is_composed(word) else word


def note_composed(vectors, words):
    """Say on standard error which words' vectors are composed."""
    if composed := [word for word in words if vectors.is_composed(word)]:
        console.note(f"{COMPOSED}: {', '.join(composed)}")


def print_answers(heading, found):
    width = max((len(word) for word, _ in found), default=0)
    say(heading, *(f"  {word:{width}}  {value:.3f}" for word, value in found))


def neighbours(args):
    """Print the nearest neighbours of each word."""
    shown = open_file(args, args.restrict)
    words = [spelling(shown.vectors, word) for word in args.words]
    answers = {word: shown.neighbours(word, args.n) for word in words}
    about = " about the mean" if shown.centred else ""
    for word, found in answers.items():
        heading = f"{marked(shown.vectors, word)}, nearest of the first {shown.among:,} words by cosine{about}:"
        print_answers(heading, found)


def analogy(args):
    """Print what is to C as B is to A."""
    vectors = open_file(args).vectors
    a, b, c = (spelling(vectors, word) for word in (args.a, args.b, args.c))
    answers = {method: vectors.analogy(a, b, c, method, args.n) for method in METHODS}
    a, b, c = (marked(vectors, word) for word in (a, b, c))
    for method, found in answers.items():
        print_answers(f"{a} is to {b} as {c} is to, by {method}:", found)


def odd_one_out(args):
    """Print the word that does not belong to the others."""
    vectors = open_file(args).vectors
    words = [spelling(vectors, word) for word in args.words]
    odd = vectors.doesnt_match(words)
    note_composed(vectors, words)
    say(odd)


def choose_words(args, vectors):
    """The words of a picture that have a vector, each once, with a notice of the others on standard error."""
    asked = args.words
    if asked is None:
        asked = [word for word in MAP_WORDS if word in vectors]
        if 2 * len(asked) <= len(MAP_WORDS):  # a file of another text: those of its words that say something
            asked = telling_words(vectors.words)
    found = [wordsets.spelling(vectors, word) for word in asked]
    unknown = [word for word, name in zip(asked, found, strict=True) if name is None]
    if len(unknown) == len(asked):
        raise InputError(f"none of the words to draw is in {args.file}: {', '.join(asked)}; give other --words")
    if unknown:
        console.note(f"not in {args.file}, left out: {', '.join(unknown)}")
    words = list(dict.fromkeys(name for name in found if name is not None))
    note_composed(vectors, words)
    return words


def draw_map(args):
    """Draw words in the plane of their first two directions."""
    if (ending := Path(args.out).suffix.lower()) not in MAP_ENDINGS:
        raise InputError(f"--out wants a file that ends in {' or '.join(MAP_ENDINGS)}, got {args.out}")
    # Matplotlib takes half a second to import: each command that draws imports its pictures itself.
    from utils.pictures.webmap import html_map
    from utils.pictures.wordmap import MOST_WORDS, word_map

    vectors = open_file(args).vectors
    words = vectors.words[: args.top] if args.top else choose_words(args, vectors)
    if ending == ".png" and len(words) > MOST_WORDS:
        page = Path(args.out).with_suffix(".html")
        raise InputError(
            f"a picture has space for {MOST_WORDS} words, got {len(words)}: give fewer, or draw a page, --out {page}"
        )
    draw = word_map if ending == ".png" else html_map
    draw(words, vectors[words], args.out, groups_of(words), f"{len(words)} words of {Path(args.file).name}")
    say(f"wrote {args.out}")


def draw_heat_map(args):
    """Draw the cosines of words as a heat map, similar ones next to each other."""
    from utils.pictures.charts import heat_map

    vectors = open_file(args).vectors
    words = choose_words(args, vectors)
    directions = vectors.choose(words).directions  # (n, d)
    title = f"Cosines of {len(words)} words of {Path(args.file).name}"
    heat_map(directions @ directions.T, words, words, args.out, order="similar", title=title)
    say(f"wrote {args.out}")


COMMANDS = {
    "score": ("score word similarity, analogies and sentiment, a column for each file", score_options, score),
    "stability": (
        "compare the nearest neighbours of the same words in several files", stability_options, compare_neighbours
    ),
    "neighbours": ("print the nearest neighbours of words", question_options(neighbour_words), neighbours),
    "analogy": ("print what is to C as B is to A", question_options(three_words), analogy),
    "odd-one-out": ("print the word that does not belong", question_options(several_words, False), odd_one_out),
    "map": ("draw words in the plane of their first two directions", map_options, draw_map),
    "heatmap": ("draw the cosines between words", heat_map_options, draw_heat_map),
}  # fmt: skip
ALIASES = {"neighbors": "neighbours", "analogies": "analogy", "heat-map": "heatmap"}


def main(arguments=None):
    """Do what the command line asks; return the exit status."""
    args = parse(arguments)
    COMMANDS[args.command][2](args)
    return 0


if __name__ == "__main__":
    console.run(main)
