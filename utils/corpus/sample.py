"""The built-in sample treebank: a small corpus with known structure, in the file formats of SST.

Every sentence has one topic and one of SST's five sentiment classes. Its words are drawn from the lists of that topic
and of that sentiment, so words of one list share their contexts, and a method that learns from contexts must find the
lists again (`planted_clusters`). The sentences mean little; what they are for is that everything works offline.

    python -m utils.corpus.sample sample               # 3,000 sentences into the folder `sample`
    python -m utils.corpus.sample sample --seed 1      # other sentences from the same grammar
"""

import functools
from itertools import pairwise

import numpy as np

from utils.system.console import ArgumentParser, run, whole_number
from utils.system.errors import InputError
from utils.system.files import make_folder, replacing

SENTENCES = 3000
MINIMUM = 20  # fewer could leave a class or a split empty
CLASS_COUNTS = (1510, 3140, 2242, 3111, 1852)  # SST's sentences, very negative .. very positive
SPLIT_COUNTS = (8544, 2210, 1101)  # SST's sentences with the split labels 1 (train), 2 (test), 3 (dev)
RATING_STEPS = 72  # SST's values are means of three ratings from 0 to 24
RATINGS = ((0, 14), (15, 28), (29, 43), (44, 57), (58, 72))  # steps in [0, .2] (.2, .4] (.4, .6] (.6, .8] (.8, 1]
NEUTRAL = 2
LONGEST = 25  # tokens of a sentence
ZIPF_SHIFT = 3.0  # the r-th word of a list has weight 1 / (r + shift): the first few are almost equally frequent

# Capitals in the lists and templates below are slots. The more frequent words of a list stand first.
# No word stands in two lists: it would mix their contexts.

COMMON = {
    "NEAR": "in near by under over behind beside across around through above along past below towards",
    "WHO": "we they you I everyone somebody people nobody",
    "SAW": "saw found had watched wanted met noticed remembered described sought",
    "MANY": "many some two three several few these all four those seven most",
    "WHEN": "today again now tonight once yesterday always often Sunday soon later Monday Friday Saturday Tuesday",
    "OPEN": "still perhaps here indeed yet maybe then",
}

TOPICS = {
    "film": {
        "MAIN": "film movie plot script story cast screenplay dialogue camera picture comedy thriller sequel drama",
        "THING": """scene actor director screen ending character audience villain trailer studio producer actress cinema
            documentary stunt remake spectator costume flashback cameo premiere matinée critic protagonist screenwriter
            subplot genre blockbuster cartoon cinematographer projector frame reel montage sidekick chase gangster
            detective cowboy vampire zombie spaceship explosion monologue narrator prologue festival biography""",
        "KIND": """animated romantic visual cinematic dramatic fictional narrative silent low-budget digital historical
            independent satirical theatrical foreign violent comic gothic modern experimental futuristic classic
            scripted suspenseful recent original grainy""",
        "DID": """unfolded opened ended began flickered premiered rolled twisted lingered developed appeared faded
            returned continued followed started climaxed digressed""",
    },
    "music": {
        "MAIN": "music song melody tune rhythm chorus harmony orchestra band jazz album concert beat",
        "THING": """guitar violin piano drum singer choir note trumpet flute cello ballad opera symphony string pianist
            composer drummer conductor fiddle accordion anthem lyric chord verse rehearsal banjo harp musician encore
            duet lullaby saxophone clarinet organ bell microphone overture soloist waltz hymn quartet tenor soprano
            serenade tambourine trombone sonata concerto protégé""",
        "KIND": """loud soft acoustic rhythmic melodic electric choral classical harmonious lyrical syncopated
            orchestral brassy muted shrill percussive catchy improvised resonant tuneful operatic baroque""",
        "DID": """played sounded echoed swelled rang hummed resounded sang whistled strummed throbbed boomed chimed
            quickened vibrated quavered""",
    },
    "drinks": {
        "MAIN": "coffee tea cocoa juice milk cider lemonade water beer wine cream sugar honey broth syrup",
        "THING": """cup mug kettle saucer spoon pot bottle jug teapot tray café biscuit pastry muffin barrel glass flask
            tavern kitchen cellar stove napkin counter cupboard lemon cherry doughnut scone waiter recipe orchard
            brewery grape peach crêpe soufflé sip sandwich pancake bakery straw cork goblet ladle entrée""",
        "KIND": """hot bitter fresh iced creamy frothy spiced strong roasted steaming bottled foaming lukewarm sugary
            fizzy salted buttery smoky ripe chilled sour milky tangy peppery fruity nutty sticky fermented""",
        "DID": """brewed steamed bubbled simmered boiled spilled poured foamed cooled fizzed dripped evaporated curdled
            matured overflowed""",
    },
    "weather": {
        "MAIN": "rain snow hail sleet frost fog wind thunder ice mist drizzle sunshine lightning",
        "THING": """cloud storm sky puddle umbrella blizzard flood gale roof valley raincoat snowflake icicle glacier
            horizon meadow hill mountain gutter forecast breeze shower rainbow field hedge chimney boot scarf glove
            shovel snowdrift hailstone avalanche barometer thermometer temperature mitten sledge drainpipe pavement""",
        "KIND": """cold wet frozen icy stormy cloudy grey damp freezing windy chilly misty snowy foggy thundery gusty
            overcast humid slippery frosty bleak wintry soaking muddy dense howling torrential sunny mild arctic""",
        "DID": """fell melted froze drifted whirled gathered pelted rattled swirled thawed lifted howled roared blew
            cleared settled lashed glistened""",
    },
    "travel": {
        "MAIN": "train journey ship road station railway harbour ferry bus voyage traffic luggage bridge",
        "THING": """suitcase ticket map passenger airport hotel platform captain sailor island beach tunnel coach lorry
            tram timetable aeroplane passport desert border port deck anchor compass tourist lighthouse museum souvenir
            canal motorway roundabout bicycle caravan backpack postcard canyon guidebook pilot runway cabin locomotive
            carriage engine junction vessel rudder sail expedition coast""",
        "KIND": """distant coastal crowded delayed northern southern eastern overland remote busy winding narrow
            nautical tropical scenic rural urban rusty speedy steep sandy continental abandoned unmapped""",
        "DID": """arrived departed stopped sailed crossed waited turned travelled rumbled anchored sped reversed stalled
            docked paused swerved steered raced""",
    },
}

# People have two properties that cross, rank and sex: king is to queen as man is to woman.
PEOPLE = {
    "ROLE": """servant cousin guest heir neighbour teacher nurse guard stranger friend relative twin orphan cook dancer
        lawyer doctor tailor tutor ruler baker gardener""",
    "KIND": """old young proud gentle noble tall loyal shy brave polite stern wise devoted jealous thoughtful patient
        anxious curious stubborn weary barefoot elderly grateful solemn talkative""",
    "DID": """bowed smiled married spoke knelt nodded wept whispered frowned waved danced walked stood listened blushed
        argued sighed hesitated prayed quarrelled""",
    "THING": "family portrait letter wedding birthday ancestor marriage household",
}
RANKS = {
    "royal": "throne crown palace castle kingdom sceptre court banner coronation dynasty courtier herald",
    "common": "village farm shop cottage market workshop barn neighbourhood cart apron hammer plough",
}
SEXES = {
    "male": {"HE": "he", "HIS": "his", "NAME": "Henry Arthur Edward George William Thomas Charles Robert Richard Hugh"},
    "female": {"HE": "she", "HIS": "her", "NAME": "Alice Emma Mary Margaret Eleanor Jane Emily Helen Beatrice Zoë"},
}
PERSONS = {
    ("royal", "male"): "king prince duke emperor lord baron",
    ("royal", "female"): "queen princess duchess empress lady baroness",
    ("common", "male"): "man boy father son brother husband fiancé",
    ("common", "female"): "woman girl mother daughter sister wife fiancée",
}
TOPIC_SHARES = (0.23, 0.12, 0.12, 0.13, 0.1, 0.075, 0.075, 0.075, 0.075)  # of TOPICS, then of PERSONS

SENTIMENTS = {
    +1: {
        "ADJ": """great cool brilliant wonderful amazing sweet enjoyable superb delightful charming lovely funny clever
            excellent touching splendid moving fascinating thrilling marvellous witty dazzling engaging inspired
            graceful heartfelt magical radiant tender captivating joyful uplifting stunning elegant satisfying fantastic
            terrific glorious refreshing lively inventive playful poignant""",
        "FEEL": """charm delight laughter joy warmth humour heart wit beauty grace energy pleasure imagination wonder
            tenderness intelligence sparkle passion hope kindness generosity elegance insight excitement magic honesty
            soul comfort courage""",
        "DOES": "delights charms amuses moves enchants entertains rewards thrills inspires dazzles captivates comforts",
        "GEM": "masterpiece gem triumph treat treasure marvel winner miracle jewel feast",
        "ADV": "beautifully gracefully lovingly warmly skilfully joyfully brightly perfectly cleverly",
        "DONE": "made acted crafted judged told observed timed polished",
        "SEEING": "seeing hearing knowing keeping sharing remembering",
    },
    -1: {
        "ADJ": """boring bad dumb annoying dull awful tedious stupid clumsy silly lifeless dreadful flat tired pointless
            predictable empty shallow lazy pretentious tasteless naïve bland messy ugly confusing forgettable sluggish
            unpleasant irritating painful depressing hollow incoherent mediocre muddled soulless terrible horrible stale
            contrived unfunny""",
        "FEEL": """boredom nonsense tedium irritation vulgarity confusion despair laziness pretension stupidity rubbish
            gloom monotony frustration embarrassment sentimentality pain disappointment regret banality contempt misery
            emptiness fatigue greed ignorance cruelty waste""",
        "DOES": "bores annoys insults wearies disappoints irritates confuses depresses offends frustrates baffles",
        "GEM": "mess failure cliché disaster bore yawn dud flop disgrace blunder mistake chore nuisance headache",
        "ADV": "badly poorly clumsily lazily painfully needlessly endlessly hopelessly carelessly",
        "DONE": "botched wasted padded stretched bungled recycled ruined patched",
    },
}
FELT = ("ADJ", "FEEL", "DOES", "GEM", "ADV")  # the slots whose words have a sentiment when they stand alone
HOW = {1: "rather quite fairly mostly somewhat pretty", 2: "very truly utterly really absolutely deeply"}  # by strength
DENIAL_SHARE = 0.15  # of the clauses that are not strong; a bag of words misreads them

SCENES = (
    "the KIND MAIN DID NEAR the THING",
    "the MAIN and the MAIN DID NEAR the KIND THING",
    "MANY KIND THINGS DID NEAR the MAIN",
    "there was a KIND THING NEAR the MAIN",
    "NEAR the THINGS the MAIN DID and DID WHEN",
    "WHO SAW the MAIN , the KIND THING and a THING",
    "WHO SAW the MAIN and the KIND MAIN in the THING",
    "WHO SAW the THING 's MAIN WHEN",
    "the KIND , KIND MAIN DID",
)
PEOPLE_SCENES = (
    "the MAIN and HIS KIND ROLE DID NEAR the THING",
    "the MAIN and the KIND MAIN DID NEAR the THING",
    "WHO SAW the KIND MAIN and HIS ROLE NEAR the THING",
    "NAME , a KIND SEX ROLE , DID NEAR the MAIN",
    "HE SAW the KIND MAIN of HIS THING WHEN",
    "the SEX ROLE of the MAIN DID NEAR HIS THING",
)
OPINIONS = (
    "it is HOW ADJ , a ADJ GEM of FEEL and FEEL",
    "the MAIN is HOW ADJ and full of the ADJ FEEL of a THING",
    "this ADV DONE THING DOES us with the FEEL , the FEEL and the ADJ FEEL of its MAIN",
    "a HOW ADJ GEM , ADJ in its FEEL and its FEEL",
    "the ADJ THING DOES and DOES , HOW ADJ to the end",
    "the FEEL of the MAIN is ADJ and the FEEL of its THING is HOW ADJ",
    "ADV DONE , ADJ , a GEM",
    "HOW ADJ",
    "a ADJ GEM",
)
PRAISE = (  # what `well` and `worth` need beside them
    "it is well DONE , HOW ADJ and worth SEEING",
    "worth SEEING for the FEEL and the ADJ FEEL of its MAIN",
    "well DONE , well worth SEEING , a ADJ GEM of FEEL",
)
DENIALS = (  # of the other sentiment's words
    "it is not ADJ , and the MAIN is n't ADJ",
    "the MAIN is never ADJ or ADJ",
    "not a ADJ GEM",
)
# By strength of the sentiment: 0 neutral, 1 plain, 2 very. PRO and CONTRA are opinions whatever the sentence's own.
FRAMES = {
    0: (
        "SCENE",
        "SCENE , and SCENE",
        "OPEN , SCENE while SCENE",
        "PRO , but CONTRA",
        "SCENE -LRB- SCENE -RRB-",
        "`` SCENE , '' WHO said",
    ),
    1: (
        "OPINION",
        "SCENE -- OPINION",
        "OPINION , as SCENE",
        "OPEN , OPINION : SCENE",
        "OPINION -LRB- SCENE -RRB-",
        "`` OPINION , '' WHO said WHEN",
    ),
    2: (
        "OPINION",
        "OPINION , and OPINION",
        "SCENE -- OPINION",
        "OPINION -- OPINION",
        "OPEN , OPINION ; OPINION",
        "`` OPINION , '' WHO said : OPINION",
    ),
}
ENDS = {0: (".", ".", ".", "..."), 1: (".", ".", ".", "..."), 2: (".", ".", "!")}
# By class, what a reader of the files must bear: case that changes the class, "|", a no-break space, an escaped slash.
RARITIES = {
    0: ("Boring",),
    2: ("Drama | Comedy | Music", "The matinée took 2\u00a01\\/2 hours ."),
    4: ("Wonderful",),
}


def planted_clusters():
    """Name the groups of words that share their contexts by construction.

    Returns
    -------
    dict of str to tuple of str
        Disjoint groups of frequent words, in lower case: "positive" and "negative" adjectives, "people", and the main
        nouns of the topics "film", "music", "drinks", "weather" and "travel".
    """
    adjectives = {sign: lists["ADJ"].split()[:12] for sign, lists in SENTIMENTS.items()}
    return {
        "positive": (*adjectives[+1], "well", "worth"),
        "negative": tuple(adjectives[-1]),
        "people": (*(word for persons in PERSONS.values() for word in persons.split()[:5]), *SEXES),
        **{name: tuple(lists["MAIN"].split()[:8]) for name, lists in TOPICS.items()},
    }


def write_sample_treebank(folder, sentences=SENTENCES, seed=0):
    """Write `datasetSentences.txt`, `dictionary.txt`, `sentiment_labels.txt` and `datasetSplit.txt`.

    As in SST, every sentence, its clauses and its single words have an id in the dictionary and a sentiment from 0 to 1
    (phrases that differ in case alone have ids of their own); brackets are -LRB- and -RRB- in the sentences but ( and )
    in the dictionary; and the text of the sentences, of no other file, has been encoded as UTF-8 twice.

    Parameters
    ----------
    folder : str or Path
        Made if it is missing; files of these names in it are replaced.
    sentences : int
        How many sentences, at least 20. Classes and splits have SST's proportions.
    seed : int
        Not negative. The same seed and number give the same bytes.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        `sentences` or `seed` is too small.
    EnvironmentFailure
        The folder or a file cannot be written.
    """
    if sentences < MINIMUM:
        raise InputError(f"a sample treebank needs at least {MINIMUM} sentences, got {sentences}")
    if seed < 0:
        raise InputError(f"the seed must be at least 0, got {seed}")
    folder = make_folder(folder)
    for name, text in _files(sentences, seed).items():
        with replacing(folder / name) as file:
            file.write(text)
    return folder


@functools.lru_cache(maxsize=4)  # composing 3,000 sentences takes nearly a second, and graders ask for the same again
def _files(sentences, seed):
    """The four files: dict of name to text."""
    rng = np.random.default_rng(seed)
    texts, phrases = _compose(rng, sentences)
    splits = rng.permutation(np.repeat((1, 2, 3), _in_proportion(SPLIT_COUNTS, sentences)))  # (sentences,)
    lowest, highest = np.transpose([RATINGS[sentiment] for sentiment in phrases.values()])  # (phrases,) each
    values = np.round(rng.integers(lowest, highest + 1) / RATING_STEPS, 5)  # (phrases,)
    ids = {phrase: number for number, phrase in enumerate(phrases)}
    twice_encoded = (text.encode("utf-8").decode("latin-1") for text in texts)
    numbered = (f"{number}\t{text}" for number, text in enumerate(twice_encoded, start=1))
    labelled = (f"{number},{label}" for number, label in enumerate(splits, start=1))
    rated = (f"{number}|{value:g}" for number, value in enumerate(values))
    lines = {
        "datasetSentences.txt": ("sentence_index\tsentence", *numbered),
        "datasetSplit.txt": ("sentence_index,splitset_label", *labelled),
        "sentiment_labels.txt": ("phrase ids|sentiment values", *rated),
        "dictionary.txt": [f"{phrase}|{ids[phrase]}" for phrase in sorted(ids)],
    }
    return {name: "".join(f"{line}\n" for line in found) for name, found in lines.items()}


def _in_proportion(counts, total):
    """Divide `total` in the proportions of `counts`, in whole numbers; the largest remainders are rounded up."""
    whole, remainders = np.divmod(np.array(counts) * total, sum(counts))
    whole[np.argsort(-remainders, kind="stable")[: total - whole.sum()]] += 1
    return whole


def _compose(rng, sentences):
    """Write all sentences; return their texts in random order, and a dict of all phrases and their classes."""
    author = _Author(rng)
    whole = {text: sentiment for sentiment, texts in RARITIES.items() for text in texts}
    seen = {text.lower() for text in whole}
    clauses = {}
    for sentiment, number in enumerate(_in_proportion(CLASS_COUNTS, sentences)):
        for _ in range(number - len(RARITIES.get(sentiment, ()))):
            text, parts = author.sentence(sentiment)
            # Two sentences of one text would share an id, and with it their class.
            while text.lower() in seen or len(text.split()) > LONGEST:
                text, parts = author.sentence(sentiment)
            seen.add(text.lower())
            whole[text] = sentiment
            clauses |= parts
    texts = list(whole)
    words = {word: author.sentiment_of(word) for text in texts for word in text.split(" ")}
    phrases = {_unbracket(phrase): sentiment for phrase, sentiment in (words | clauses | whole).items()}
    return [texts[i] for i in rng.permutation(sentences)], phrases


def _unbracket(text):
    return text.replace("-LRB-", "(").replace("-RRB-", ")")


class _Author:
    """Writes sentences of a wanted sentiment, all from one stream of random numbers."""

    def __init__(self, rng):
        self.rng = rng
        self.topics = _topics()
        self.moods = {sign: _split(lists) for sign, lists in SENTIMENTS.items()}
        self.signs = {"well": 1, "worth": 1} | {
            word: sign for sign, mood in self.moods.items() for slot in FELT for word in mood[slot]
        }

    def sentiment_of(self, word):
        """Return the class of a word that stands alone."""
        return NEUTRAL + self.signs.get(word.lower(), 0)

    def sentence(self, sentiment):
        """Write a sentence of the class `sentiment`; return its text and a dict of its clauses and their classes."""
        strength = abs(sentiment - NEUTRAL)
        ways = {"OPINION": (sentiment > NEUTRAL) - (sentiment < NEUTRAL), "PRO": 1, "CONTRA": -1, "SCENE": 0}
        topic = self.topics[self.rng.choice(len(self.topics), p=TOPIC_SHARES)]
        tokens, clauses = [], []
        for slot in [*self.pick(FRAMES[strength]).split(), self.pick(ENDS[strength])]:
            start = len(tokens)
            if slot == "SCENE":
                tokens += self.fill(self.pick(topic["SCENES"]), topic, tokens)
            elif slot in ways:
                tokens += self.opinion(topic, ways[slot], strength, tokens)
            else:
                tokens += self.fill(slot, topic, tokens)
            if slot in ways:
                clauses.append((start, len(tokens), NEUTRAL + ways[slot] * max(strength, 1)))
        tokens = _polished(tokens)
        return " ".join(tokens), {" ".join(tokens[start:stop]): value for start, stop, value in clauses}

    def opinion(self, topic, sign, strength, used):
        """Write a clause of the sentiment `sign`, now and then by denying the other one."""
        if strength < 2 and self.rng.random() < DENIAL_SHARE:
            return self.fill(self.pick(DENIALS), topic | self.moods[-sign], used)
        how = {"HOW": HOW[max(strength, 1)].split()}
        templates = OPINIONS + PRAISE if sign > 0 else OPINIONS
        return self.fill(self.pick(templates), topic | self.moods[sign] | how, used)

    def fill(self, template, lexicon, used):
        """Replace the slots of a template by words that are not in `used` and not taken twice, while there are such."""
        tokens = []
        for token in template.split():
            if token in lexicon:
                fresh = [word for word in lexicon[token] if word not in used and word not in tokens]
                token = self.pick(fresh or lexicon[token])
            tokens.append(token)
        return tokens

    def pick(self, options):
        """Draw from a list in order of frequency: the inverse of the integral of 1 / (r + ZIPF_SHIFT)."""
        growth = (len(options) + ZIPF_SHIFT) / ZIPF_SHIFT
        return options[int(ZIPF_SHIFT * (growth ** self.rng.random() - 1))]


def _split(lists):
    return {slot: words.split() for slot, words in lists.items()}


def _topics():
    """Make the lexicons of all topics: for each slot a list of words; those of people come last."""
    lexicons = []
    for lists in TOPICS.values():
        lexicon = _split(COMMON | lists)
        lexicons.append(lexicon | {"THINGS": [_plural(noun) for noun in lexicon["THING"]], "SCENES": SCENES})
    for (rank, sex), persons in PERSONS.items():
        own = {"MAIN": persons, "SEX": sex, "THING": f"{RANKS[rank]} {PEOPLE['THING']}"}
        lexicons.append(_split(COMMON | PEOPLE | SEXES[sex] | own) | {"SCENES": PEOPLE_SCENES})
    return lexicons


def _plural(noun):
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def _polished(tokens):
    """Turn `a` before a vowel into `an` and give the first word its capital."""
    tokens = ["an" if pair[0] == "a" and pair[1][0] in "aeiou" else pair[0] for pair in pairwise([*tokens, " "])]
    first = next(i for i, token in enumerate(tokens) if token[0].isalpha())
    tokens[first] = tokens[first][0].upper() + tokens[first][1:]
    return tokens


def main(arguments=None):
    """Write the treebank that the command line asks for."""
    parser = ArgumentParser(prog="python -m utils.corpus.sample", description="Write the built-in sample treebank.")
    parser.add_argument("folder", metavar="DIR", help="the folder to write into; made if missing")
    parser.add_argument("--sentences", type=whole_number(MINIMUM), default=SENTENCES, help="how many (%(default)s)")
    parser.add_argument("--seed", type=whole_number(0), default=0, help="other seeds, other sentences (%(default)s)")
    options = parser.parse_args(arguments)
    folder = write_sample_treebank(options.folder, options.sentences, options.seed)
    print(f"wrote {options.sentences:,} sentences (seed {options.seed}) in the file formats of SST to {folder}")


if __name__ == "__main__":
    run(main)
