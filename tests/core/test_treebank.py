"""utils/treebank.py on the real Stanford Sentiment Treebank: the handout's vocabulary, labels, splits and draws.

The oracle for what is drawn is `loops.Loops`: the handout's loops, one word and one draw at a time, over the raw text.
"""

import random

import numpy as np
import pytest
from loops import Loops

from utils.treebank import StanfordSentiment

HANDOUT_SEED = 31415


@pytest.fixture(scope="module")
def sst(sst_folder):
    """The real treebank, for what draws nothing."""
    return StanfordSentiment(sst_folder)


@pytest.fixture(scope="module")
def raw_sentences(sst_folder):
    return Loops(sst_folder, 1).sentences


def both(treebank, loops, draw):
    """What `draw` gives on either of two data sets from the handout's seed, and the state of `random` thereafter."""
    results = []
    for dataset in (treebank, loops):
        random.seed(HANDOUT_SEED)
        results.append((draw(dataset), random.getstate()))
    return results


def ids(dataset, sentences):
    tokens = dataset.tokens() if isinstance(dataset, StanfordSentiment) else dataset.tokens
    return [[tokens[word] for word in sentence] for sentence in sentences]


# The text


def test_the_vocabulary_has_19539_words_with_UNK_last(sst):
    assert len(sst.tokens()) == 19539
    assert list(sst.tokens())[-1] == "UNK"
    assert sst.tokens()["UNK"] == 19538


def test_words_and_tokens_are_each_others_inverse(sst):
    assert len(set(sst.words())) == 19539
    assert list(sst.tokens()) == sst.words()
    assert list(sst.tokens().values()) == list(range(19539))


def test_ids_go_by_first_appearance_in_the_raw_text(sst, raw_sentences):
    in_order = {}
    for sentence in raw_sentences:
        for word in sentence:
            in_order.setdefault(word, len(in_order))
    assert ids(sst, sst.sentences()) == [[in_order[word] for word in sentence] for sentence in raw_sentences]


def test_counts_are_those_of_the_raw_text_and_UNK_counts_once(sst, sst_folder):
    assert sst.counts().tolist() == Loops(sst_folder, 1).frequencies


def test_the_text_has_11855_sentences(sst, raw_sentences):
    assert sst.numSentences() == len(sst.sentences()) == 11855
    assert sst.numTokens() == sum(map(len, raw_sentences))


def test_words_are_shown_as_their_authors_wrote_them(sst):
    assert {"clichés", "château", "joão", "naïveté"} <= sst.tokens().keys()
    assert not [word for word in sst.words() if "Ã" in word or "ã©" in word or "Â" in word]
    assert any("clichés" in sentence for sentence in sst.sentences())


@pytest.mark.parametrize("number", ["2", "8"])
def test_two_raw_words_with_one_repaired_text_keep_both_ids(sst, number):
    # "2Â\xa01\/2": the no-break space splits it, and the first half would be repaired to "2", which is a word already.
    assert number in sst.tokens()
    assert f"{number}â" in sst.tokens()


def test_another_text_has_another_fingerprint(sst, sst_folder, tmp_path):
    text = (sst_folder / "datasetSentences.txt").read_bytes()
    (tmp_path / "datasetSentences.txt").write_bytes(text.replace(b"The Rock is", b"The Rock was", 1))
    assert StanfordSentiment(tmp_path).fingerprint() != sst.fingerprint()


def test_the_same_text_has_the_same_fingerprint(sst, sst_folder):
    assert StanfordSentiment(sst_folder).fingerprint() == sst.fingerprint()


# Labels and splits


def test_every_sentence_has_its_label(sst):
    classes = [sst.categorify(label) for label in sst.sent_labels()]
    assert np.bincount(classes).tolist() == [1510, 3140, 2242, 3111, 1852]


@pytest.mark.parametrize("sentence, expected", [(0, 3), (1, 4), (2, 2)])
def test_the_first_sentences_have_their_published_classes(sst, sentence, expected):
    assert sst.categorify(sst.sent_labels()[sentence]) == expected


def test_the_split_is_8544_train_2210_test_1101_dev(sst):
    train, test, dev = sst.dataset_split()
    assert (len(train), len(test), len(dev)) == (8544, 2210, 1101)
    assert sorted(train + test + dev) == list(range(11855))


def test_the_first_sentences_lie_where_the_file_says(sst):
    # Sentences 1 to 4 have the labels 1, 1, 2, 2; the first with label 3 is sentence 1117.
    train, test, dev = sst.dataset_split()
    assert train[:2] == [0, 1]
    assert test[:2] == [2, 3]
    assert dev[0] == 1116


def test_split_sentences_are_words_and_class(sst):
    gotten = (sst.getTrainSentences(), sst.getTestSentences(), sst.getDevSentences())
    assert [len(sentences) for sentences in gotten] == [8544, 2210, 1101]
    for numbers, sentences in zip(sst.dataset_split(), gotten, strict=True):
        for at in (0, len(numbers) - 1):
            assert sentences[at] == (sst.sentences()[numbers[at]], sst.categorify(sst.sent_labels()[numbers[at]]))


@pytest.mark.parametrize(
    "sentiment, expected",
    [
        *((0.0, 0), (0.2, 0), (0.20001, 1), (0.4, 1), (0.40001, 2)),
        *((0.6, 2), (0.60001, 3), (0.8, 3), (0.80001, 4), (1.0, 4)),
    ],
)
def test_a_border_belongs_to_the_class_below(sentiment, expected):
    assert StanfordSentiment("nowhere").categorify(sentiment) == expected


# Draws


def test_the_expanded_corpus_has_as_many_sentences_as_the_handouts(sst_folder):
    random.seed(HANDOUT_SEED)
    assert len(StanfordSentiment(sst_folder).allSentences()) == 299483


def test_rejection_probabilities_are_the_loops(sst, sst_folder):
    # Both compute the same expression in double precision.
    assert sst.rejectProb().tolist() == Loops(sst_folder, 1).rejectProb()


def test_a_training_draws_word_for_word_what_the_loops_draw(sample_folder):
    """Window sizes, windows and negatives in the order of a training, beginning with a corpus that nobody has drawn."""
    tablesize = 100_000

    def draw(dataset):
        windows = []
        for _ in range(300):
            centre, outsides = dataset.getRandomContext(random.randint(1, 5))
            windows.append((ids(dataset, [[centre, *outsides]])[0], [dataset.sampleTokenIdx() for _ in outsides]))
        return windows, ids(dataset, dataset.allSentences()), list(dataset.sampleTable())

    ours, loops = both(StanfordSentiment(sample_folder, tablesize), Loops(sample_folder, tablesize), draw)
    assert ours[0][0] == loops[0][0]
    assert ours[0][1] == loops[0][1]
    assert ours[0][2] == loops[0][2]
    assert ours[1] == loops[1]


@pytest.mark.parametrize("tablesize", [1000, 4999])
@pytest.mark.parametrize("C", [1, 5, 100])
def test_draws_from_the_sample_are_the_loops_with_the_negatives_first(sample_folder, tablesize, C):
    """The corpus is drawn before the first negative if nobody has drawn it yet."""

    def draw(dataset):
        negatives = [dataset.sampleTokenIdx() for _ in range(200)]
        windows = [dataset.getRandomContext(C) for _ in range(200)]
        return negatives, [ids(dataset, [[centre, *outsides]]) for centre, outsides in windows]

    ours, loops = both(StanfordSentiment(sample_folder, tablesize), Loops(sample_folder, tablesize), draw)
    assert ours == loops


def test_the_corpus_is_drawn_once(sample_folder):
    treebank = StanfordSentiment(sample_folder, 1000)
    corpus, table = treebank.allSentences(), treebank.sampleTable().tolist()
    after = random.getstate()
    assert treebank.allSentences() == corpus
    assert treebank.sampleTable().tolist() == table
    assert random.getstate() == after


def test_what_draws_nothing_leaves_the_stream_alone(sample_folder):
    before = random.getstate()
    treebank = StanfordSentiment(sample_folder)
    treebank.sent_labels(), treebank.dataset_split(), treebank.sentences(), treebank.rejectProb(), treebank.counts()
    assert random.getstate() == before


def test_training_sentences_are_drawn_as_by_the_handout(sst):
    train = sst.dataset_split()[0]
    random.seed(HANDOUT_SEED)
    expected = []
    for _ in range(200):
        number = train[random.randint(0, len(train) - 1)]
        expected.append((sst.sentences()[number], sst.categorify(sst.sent_labels()[number])))
    after = random.getstate()

    random.seed(HANDOUT_SEED)
    assert [sst.getRandomTrainSentence() for _ in range(200)] == expected
    assert random.getstate() == after
