"""Train word vectors with your word2vec.py and sgd.py, and draw the map of some words. Nothing is missing here.

    python run.py --sample --iterations 2000    # the built-in sample text: minutes
    python run.py                               # the Stanford Sentiment Treebank, 40,000 iterations: an hour or two

Parameters are saved every 5,000 iterations; started again, the training continues. `sh get_datasets.sh` fetches the
treebank. The map is word_vectors.png.
"""

import random
from pathlib import Path

import numpy as np

from sgd import sgd
from utils.commands.words import MAP_GROUPS, MAP_WORDS
from utils.pictures.wordmap import word_map
from utils.system import console
from utils.treebank import StanfordSentiment, sample_treebank
from word2vec import negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

DIMENSION, WINDOW, STEP = 10, 5, 0.3


def parse(arguments):
    """Parse the command line."""
    parser = console.ArgumentParser(description="Train word vectors with your own code, and draw their map.")
    parser.add_argument("--sample", action="store_true", help="train on the built-in sample text")
    parser.add_argument("--data", metavar="DIR", help="the treebank's folder, if get_datasets.sh did not put it here")
    parser.add_argument("--iterations", type=console.whole_number(1), default=40000, metavar="N", help="in all")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Train and draw; return the exit status."""
    args = parse(arguments)
    random.seed(314)
    dataset = sample_treebank() if args.sample else StanfordSentiment(args.data)
    tokens = dataset.tokens()
    V = len(tokens)

    random.seed(31415)
    np.random.seed(9265)
    start = np.concatenate(((np.random.rand(V, DIMENSION) - 0.5) / DIMENSION, np.zeros((V, DIMENSION))))

    def objective(vectors):
        return word2vec_sgd_wrapper(skipgram, tokens, vectors, dataset, WINDOW, negSamplingLossAndGradient)

    try:
        vectors = sgd(objective, start, STEP, args.iterations, useSaved=True, PRINT_EVERY=10)
    except NotImplementedError as missing:
        print(missing)
        return 1
    words = [word for word in MAP_WORDS if word in tokens]
    word_map(words, vectors[[tokens[word] for word in words]], Path("word_vectors.png"), MAP_GROUPS)
    print("wrote word_vectors.png")
    return 0


if __name__ == "__main__":
    console.run(main)
