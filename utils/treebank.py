"""The Stanford Sentiment Treebank: from its published files to sentences, vocabulary, labels and draws.

`StanfordSentiment` has the interface of the handout's class of that name (its camelCase names). Ids, draws from
`random` and results are the handout's, apart from its defects: the label of every sentence is found, files are UTF-8
whatever the locale, and words are shown as their authors wrote them ("clichés", not "clichã©s").
"""

import functools
import hashlib
import itertools
import random
import re
import tempfile
from array import array
from pathlib import Path

import numpy as np

from utils.corpus import sample
from utils.corpus.ids import Corpus
from utils.minibatches import handout
from utils.minibatches.replay import Replay
from utils.system.errors import InputError, quoted
from utils.system.files import each_line
from utils.system.paths import DATASETS

DEFAULT_FOLDER = DATASETS / "stanfordSentimentTreebank"
UNKNOWN_WORD = "UNK"
SUBSAMPLING_THRESHOLD = 1e-5  # handout; Mikolov et al. 2013b, equation 5
NOISE_POWER = 0.75  # handout; Mikolov et al. 2013b, section 2.2
CLASS_BORDERS = (0.2, 0.4, 0.6, 0.8)  # the treebank's README
NO_BREAK_SPACE = "\xa0"
# Lines of dictionary.txt and sentiment_labels.txt. Python alone would take "1_0" and other scripts' digits for numbers.
PHRASE_AND_ID = re.compile(r"(.*)\|([0-9]{1,18})", re.DOTALL)
ID_AND_SENTIMENT = re.compile(r"([0-9]{1,18})\|([0-9.e-]+)")


class StanfordSentiment:
    """The treebank in one folder, read when first asked for.

    Parameters
    ----------
    path : str or Path, optional
        The folder with `datasetSentences.txt`, `datasetSplit.txt`, `dictionary.txt` and `sentiment_labels.txt`;
        by default where `get_datasets.sh` puts it.
    tablesize : int
        Length of the table from which negative samples are drawn.

    Raises
    ------
    InputError
        By each method that needs a file which is missing or malformed (file and line are named).

    Notes
    -----
    `datasetSentences.txt` was encoded as UTF-8 twice. The handout builds its vocabulary from that text; so does this
    class, so that ids agree, but a word goes by its repaired spelling unless that is a word of its own already.
    """

    def __init__(self, path=None, tablesize=1000000):
        self.path = Path(path or DEFAULT_FOLDER)
        if tablesize < 1:
            raise InputError(f"tablesize must be at least 1, got {tablesize}")
        self.tablesize = tablesize
        self._replay = None

    # The text

    def tokens(self):
        """The id of each word: a dict of V entries in the order of first appearance, the last one "UNK"."""
        return self._tokens

    def words(self):
        """The word of each id: a list of length V."""
        return self._vocabulary[0]

    def counts(self):
        """How often each word occurs in the text: int array, shape (V,); "UNK" counts once."""
        return self._counts

    def sentences(self):
        """The sentences in the order of the file: lists of words."""
        return self._sentences

    def text(self):
        """The sentences in the order of the file, as a Corpus of ids."""
        return self._text_ids

    def numSentences(self):
        """How many sentences the treebank has."""
        return len(self._texts)

    def numTokens(self):
        """How many words the sentences have together."""
        return len(self._text_ids.ids)

    def fingerprint(self):
        """A short text that differs where the sentences differ."""
        return hashlib.sha256("\n".join(self._texts).encode()).hexdigest()[:16]

    # Draws from Python's `random`

    def allSentences(self):
        """The expanded corpus, drawn when first needed: 30 subsampled copies of the sentences, as lists of words."""
        words = self.words()
        return [[words[i] for i in self._corpus.sentence(s)] for s in range(len(self._corpus))]

    def getRandomContext(self, C=5):
        """Draw a centre word and its outside words, up to `C` on either side.

        Returns
        -------
        (str, list of str)
            Copies of the centre word are left out; at least one outside word remains.
        """
        words = self.words()
        centre, outsides = handout.random_window(self._corpus, C)
        return words[centre], [words[i] for i in outsides]

    def sampleTable(self):
        """The noise distribution as a table: a word's share of it goes with its count ** 0.75 (equation 61).

        Returns
        -------
        ndarray of int32, shape (tablesize,)
        """
        return self._sample_table

    def sampleTokenIdx(self):
        """Draw the id of a word from the noise distribution."""
        return int(self._sample_table[random.randint(0, self.tablesize - 1)])

    def rejectProb(self):
        """Probability of each word to be left out of a copy: float array, shape (V,).

        1 - sqrt(1e-5 * (T + 1) / count), at least 0, for a text of T words: a word that makes up less than a
        hundred-thousandth of the text always stays (equation 63; Mikolov et al. 2013b, equation 5).
        """
        threshold = SUBSAMPLING_THRESHOLD * self._counts.sum()
        return np.maximum(0, 1 - np.sqrt(threshold / self._counts))  # (V,)

    def minibatch(self, windowSize, windows, K):
        """Draw a Minibatch of `windows` windows with `K` negative samples per outside word."""
        V = len(self.words())
        if windowSize < 1:
            raise InputError(f"the context window must reach at least 1 word, got {windowSize}")
        # The corpus is drawn in the midst of the first minibatch, after a window size, as by the handout's loop. And
        # the bulk replay is not made for a table filled by one word, where most draws are rejected, nor for sizes of
        # which each draw takes more than one output of the generator.
        if "_corpus" not in self.__dict__ or windowSize >= 2**32 or (K and self._one_word_prevails):
            return handout.draw_minibatch(lambda: self._corpus, self.sampleTokenIdx, windowSize, windows, K, V)
        settings = (windowSize, windows, K)
        if self._replay is None or self._replay[0] != settings:
            self._replay = settings, Replay(self._corpus, self.sampleTable(), windowSize, windows, K, V)
        return self._replay[1].minibatch()

    # Labels and splits

    def sent_labels(self):
        """The sentiment of each sentence: floats between 0 (most negative) and 1 (most positive)."""
        return self._labels

    def categorify(self, label):
        """The class of a sentiment: 0 (very negative) to 4 (very positive)."""
        return sum(label > border for border in CLASS_BORDERS)

    def dataset_split(self):
        """Three lists of sentence numbers (from 0): train, test, dev."""
        return self._split

    def getRandomTrainSentence(self):
        """Draw a training sentence: (list of words, class)."""
        train = self.dataset_split()[0]
        chosen = train[random.randint(0, len(train) - 1)]
        return self.sentences()[chosen], self.categorify(self.sent_labels()[chosen])

    def getTrainSentences(self):
        """The training sentences: a list of (list of words, class)."""
        return self.getSplitSentences(0)

    def getTestSentences(self):
        """The test sentences, as `getTrainSentences`."""
        return self.getSplitSentences(1)

    def getDevSentences(self):
        """The dev sentences, as `getTrainSentences`."""
        return self.getSplitSentences(2)

    def getSplitSentences(self, split=0):
        """The sentences of one split (0 train, 1 test, 2 dev), as `getTrainSentences`."""
        sentences, labels = self.sentences(), self.sent_labels()
        return [(sentences[i], self.categorify(labels[i])) for i in self.dataset_split()[split]]

    # What the methods above are made of, each read or drawn once

    @functools.cached_property
    def _texts(self):
        texts = []
        for where, line in self._records("datasetSentences.txt", header=True):
            index, tab, text = line.partition("\t")
            if index != str(len(texts) + 1) or not tab or not text.strip():
                raise InputError(f"{where}: wanted {len(texts) + 1}, a tab and a sentence, got {quoted(line)}")
            texts.append(text)
        if not texts:
            file = self.path / "datasetSentences.txt"
            raise InputError(f"{file}, line 1: no sentences follow; fetch the treebank again")
        return texts

    @property
    def _text_ids(self):
        return self._read[0]

    @functools.cached_property
    def _read(self):
        """The text as ids, and the raw words in the order of their ids."""
        raw_tokens, ids, offsets = {}, array("i"), [0]
        for text in self._texts:
            ids.extend(raw_tokens.setdefault(word.lower(), len(raw_tokens)) for word in text.split())
            offsets.append(len(ids))
        return Corpus(np.frombuffer(ids, dtype=np.int32), np.array(offsets)), list(raw_tokens)

    @functools.cached_property
    def _vocabulary(self):
        raw_words = self._read[1]
        shown = {word: word for word in raw_words}
        taken = set(raw_words)
        for text in self._texts:
            if not text.isascii():
                for raw in text.split():
                    repaired = _repaired_word(raw).lower()
                    if shown[raw.lower()] == raw.lower() and repaired not in taken:
                        shown[raw.lower()] = repaired
                        taken.add(repaired)
        words = [*shown.values(), UNKNOWN_WORD]
        return words, {word: i for i, word in enumerate(words)}

    @property
    def _tokens(self):
        return self._vocabulary[1]

    @functools.cached_property
    def _sentences(self):
        words = self.words()
        text = self._text_ids
        return [[words[i] for i in text.sentence(s)] for s in range(len(text))]

    @functools.cached_property
    def _counts(self):
        return np.append(np.bincount(self._text_ids.ids), 1)  # (V,)

    @functools.cached_property
    def _corpus(self):
        return handout.expand(self._text_ids, self.rejectProb())

    @functools.cached_property
    def _sample_table(self):
        # Looks idle; but the handout draws the corpus here if nobody has yet, and what is drawn later depends on it.
        self._corpus  # noqa: B018
        noise = self._counts**NOISE_POWER  # (V,)
        borders = np.cumsum(noise / noise.sum()) * self.tablesize  # (V,)
        table = np.searchsorted(borders, np.arange(self.tablesize)).astype(np.int32)  # (tablesize,)
        if table[0] == table[-1]:
            raise InputError(
                f"the table of negative samples holds one word only ({self.words()[table[0]]!r}): with "
                f"{len(self.words())} words and tablesize {self.tablesize} no other can be drawn; give more words or "
                "a larger table"
            )
        return table

    @functools.cached_property
    def _one_word_prevails(self):
        return bool(np.bincount(self._sample_table).max() > self.tablesize / 2)

    @functools.cached_property
    def _labels(self):
        phrases = [_repaired(text).strip().replace("-LRB-", "(").replace("-RRB-", ")") for text in self._texts]
        numbers = self._phrase_numbers(set(phrases))
        sentiments = self._sentiments(set(numbers.values()))
        dictionary, labels = self.path / "dictionary.txt", self.path / "sentiment_labels.txt"
        for i, phrase in enumerate(phrases):
            if phrase not in numbers:
                self._refuse_sentence(i, f"no entry in {dictionary}")
            if numbers[phrase] not in sentiments:
                self._refuse_sentence(i, f"the id {numbers[phrase]} in {dictionary}, which {labels} does not have")
        return [sentiments[numbers[phrase]] for phrase in phrases]

    def _phrase_numbers(self, wanted):
        """The ids of those phrases; of the hundreds of thousands of others nothing is kept."""
        numbers = {}
        for where, line in self._records("dictionary.txt"):
            entry = PHRASE_AND_ID.fullmatch(line)
            if not entry:
                raise InputError(f"{where}: wanted phrase|id, got {quoted(line)}")
            if entry[1] in wanted:
                _enter(numbers, entry[1], int(entry[2]), where)
        return numbers

    def _sentiments(self, wanted):
        """The sentiments of those ids."""
        sentiments = {}
        for where, line in self._records("sentiment_labels.txt", header=True):
            entry = ID_AND_SENTIMENT.fullmatch(line)
            try:
                number, sentiment = int(entry[1]), float(entry[2])
            except (TypeError, ValueError):
                raise InputError(f"{where}: wanted id|sentiment, got {quoted(line)}") from None
            if not 0 <= sentiment <= 1:
                raise InputError(f"{where}: a sentiment lies between 0 and 1, got {quoted(entry[2])}")
            if number in wanted:
                _enter(sentiments, number, sentiment, where)
        return sentiments

    def _refuse_sentence(self, i, what):
        where, _ = next(itertools.islice(self._records("datasetSentences.txt", header=True), i, None))
        raise InputError(f"{where}: sentence {i + 1}, {quoted(self._texts[i])}, has {what}; fetch the treebank again")

    @functools.cached_property
    def _split(self):
        split = [[], [], []]
        n, where = 0, f"{self.path / 'datasetSplit.txt'}, line 1"
        for where, line in self._records("datasetSplit.txt", header=True):
            index, _, label = line.strip().partition(",")
            if index != str(n + 1) or label not in ("1", "2", "3"):
                raise InputError(f"{where}: wanted {n + 1},1 or {n + 1},2 or {n + 1},3, got {quoted(line)}")
            split[int(label) - 1].append(n)
            n += 1
        if n != self.numSentences():
            raise InputError(
                f"{where}: ends with sentence {n}, while {self.path / 'datasetSentences.txt'} has "
                f"{self.numSentences()}: one of them is cut off; fetch the treebank again"
            )
        return split

    def _records(self, name, header=False):
        """The non-empty lines of a file, each with its place for error messages."""
        if not self.path.is_dir():
            raise InputError(f"there is no treebank in {self.path}: fetch it with `sh get_datasets.sh`")
        file = self.path / name
        for number, line in enumerate(each_line(file), start=1):
            if header and number == 1:
                if line[:1].isdecimal():
                    raise InputError(f"{file}, line 1: wanted the names of the columns, got {quoted(line)}")
            elif line.strip():
                yield f"{file}, line {number}", line


def sample_treebank(sentences=sample.SENTENCES):
    """The built-in sample treebank, all of it read.

    Parameters
    ----------
    sentences : int

    Returns
    -------
    StanfordSentiment
    """
    with tempfile.TemporaryDirectory() as folder:
        treebank = StanfordSentiment(sample.write_sample_treebank(Path(folder), sentences))
        treebank.dataset_split(), treebank.sent_labels()  # while their files are there
    return treebank


def _enter(entries, key, value, where):
    if entries.setdefault(key, value) != value:
        raise InputError(f"{where}: {quoted(str(key))} stands for {value} here and for {entries[key]} further up")


def _repaired(text):
    """Undo one of two UTF-8 encodings; text that was encoded once comes back as it is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _repaired_word(word):
    # "MollÃ" and "2Â" lost a no-break space, the second half of a character, when the text was split at white space.
    for whole in (word, word + NO_BREAK_SPACE):
        repaired = _repaired(whole)
        if repaired != whole and len(repaired.split()) == 1:  # one word for one word, not white space
            return repaired.strip()
    return word
