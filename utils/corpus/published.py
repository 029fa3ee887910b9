"""Where the data sets are published, under which terms, and how to recognise their files."""

from dataclasses import dataclass
from pathlib import Path

from utils.system.paths import DATASETS


@dataclass(frozen=True)
class DataSet:
    """Where a data set is published, and how its files are recognised.

    Attributes
    ----------
    title : str
    url : str
        Of a zip, or of a single file.
    folder : Path
        Where it belongs in the project.
    terms : str
        The publisher's terms of use.
    most_bytes : int
        Upper limit for the download, and for its unpacked files together.
    files : dict of str to (str or int)
        File name -> sha256 of the published file, in hexadecimal, or its number of lines where no digest is known.
    remedy : str
        What to do if it cannot be downloaded.
    variable : str
        Environment variable that names a copy at hand; empty if there is none.
    zipped : bool
        Whether it is published as a zip; if not, it is one file.
    """

    title: str
    url: str
    folder: Path
    terms: str
    most_bytes: int
    files: dict
    remedy: str = ""
    variable: str = ""
    zipped: bool = True


TREEBANK = DataSet(
    title="Stanford Sentiment Treebank",
    url="https://nlp.stanford.edu/~socherr/stanfordSentimentTreebank.zip",
    folder=DATASETS / "stanfordSentimentTreebank",
    terms="no licence stated; cite Socher et al. (2013)",
    most_bytes=50_000_000,  # the published files come to some 20 MB
    files={
        "datasetSentences.txt": "f7ae959a5ff0565eb860c3f2e600dde118bcb49aee63df8fa9b9a806da235553",
        "datasetSplit.txt": "ad567db10ae5275963f1ac3dd5ec21214b1d688c7aab582e2616ef4b3f970a5a",
        "sentiment_labels.txt": "20cbb150106bf334304a6f2076644eb7e1d8e17c7cd3d2d347e72bcaa2b4d322",
        "SOStr.txt": "6135cedf169a822da93a6807b5655f99550d27e74a3e3961d20097ec2f764d37",
        "STree.txt": "294534938c58070dbbc47d5edbc49b9ad0254f9af4814770b955688a8b1bf944",
        "original_rt_snippets.txt": "7316ec27d131acf8d7251b8477e8365a154c98470c104adcc64ac173a53a3666",
        "README.txt": "beff30caea91d73bceadf57b582e0a267ec0b153a57e1fa54cdfae0635cdcf10",
        "dictionary.txt": 239_232,
    },
    remedy="try again, or use a copy at hand with SST_ZIP=FILE; `python run.py --sample` works without data",
    variable="SST_ZIP",
)
TEXT8 = DataSet(
    title="text8",
    url="http://mattmahoney.net/dc/text8.zip",
    folder=DATASETS / "text8",
    terms="the first 100 MB of plain text of Wikipedia of March 2006; GNU Free Documentation License",
    most_bytes=100_000_000,  # what it unpacks to; the zip takes 31 MB
    files={"text8": "6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7"},
    remedy="try again, or use a copy at hand with TEXT8_ZIP=FILE; `python run.py --corpus FILE` trains on any text",
    variable="TEXT8_ZIP",
)
EVALUATION_FOLDER = DATASETS / "evaluation"
EVALUATION_REMEDY = "try again, or put copies into a folder of your own: `python evaluate.py --sets DIR FILE`"
EVALUATION_SETS = (
    DataSet(
        title="WordSim-353",
        url="https://gabrilovich.com/resources/data/wordsim353/wordsim353.zip",
        folder=EVALUATION_FOLDER / "wordsim353",
        terms="CC BY 4.0; cite Finkelstein et al. (2002)",
        most_bytes=1_000_000,
        files={"combined.tab": 354},  # a header and 353 pairs
    ),
    DataSet(
        title="SimLex-999",
        url="https://fh295.github.io/SimLex-999.zip",
        folder=EVALUATION_FOLDER / "SimLex-999",
        terms="no licence stated; cite Hill et al. (2015)",
        most_bytes=1_000_000,
        files={"SimLex-999.txt": 1000},  # a header and 999 pairs
    ),
    DataSet(
        title="MEN",
        url="https://staff.fnwi.uva.nl/e.bruni/resources/MEN.zip",
        folder=EVALUATION_FOLDER / "MEN",
        terms="CC BY 2.0; cite Bruni et al. (2014)",
        most_bytes=5_000_000,
        files={"MEN_dataset_natural_form_full": "4596e169dd237228ca7701dde33585ca93263506ce7fca9de0f951aaab1aae36"},
    ),
    DataSet(
        title="Rare Words",
        url="https://nlp.stanford.edu/~lmthang/morphoNLM/rw.zip",
        folder=EVALUATION_FOLDER / "rw",
        terms="no licence stated; cite Luong et al. (2013)",
        most_bytes=5_000_000,
        files={"rw.txt": 2034},
    ),
    DataSet(
        title="Google analogies",
        url="https://raw.githubusercontent.com/tmikolov/word2vec/master/questions-words.txt",
        folder=EVALUATION_FOLDER / "questions-words",
        terms="Apache License 2.0; cite Mikolov et al. (2013)",
        most_bytes=1_000_000,
        files={"questions-words.txt": "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36"},
        zipped=False,
    ),
)
BY_HAND = """\
Without a lasting public address, and so not fetched; put copies into the folder of the evaluation sets:

  MTurk-287
    terms: no licence stated; cite Radinsky et al. (2011)
  MSR syntactic analogies
    terms: licence not known; cite Mikolov, Yih and Zweig (2013)"""
