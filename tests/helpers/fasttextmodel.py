"""fastText's n-grams and files, written down once more as plain loops: what the readers are held against."""

import struct

import numpy as np

MAGIC = 793712314


def fnv(data):
    """The hash of dictionary.cc: FNV-1a with 32 bits, over signed characters."""
    hashed = 2166136261
    for byte in data:
        signed = byte - 256 if byte > 127 else byte
        hashed = ((hashed ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return hashed


def ngrams(word, shortest, longest):
    """The n-grams of a word of valid UTF-8, a str, as bytes: Dictionary::computeSubwords."""
    bordered, found = f"<{word}>", []
    for begin in range(len(bordered)):
        for n in range(1, longest + 1):
            end = begin + n
            if end > len(bordered) or n < shortest or (n == 1 and (begin == 0 or end == len(bordered))):
                continue
            found.append(bordered[begin:end].encode())
    return [] if word == "</s>" else found


def buckets_of(word, shortest, longest, buckets):
    """The bucket of each n-gram."""
    return [fnv(ngram) % buckets for ngram in ngrams(word, shortest, longest)]


def model_bytes(words, matrix, shortest=3, longest=6, buckets=0, labels=(), **changed):
    """A model.bin: fasttext.cc, saveModel.

    Parameters
    ----------
    words, labels : sequence of str or bytes
    matrix : array_like of float, shape (len(words) + buckets, d)
    changed : dict
        Other values for what the file declares: version, kind, dim, size, nwords, nlabels, pruned, quantised, rows,
        columns, output_rows, kinds (of the entries).
    """
    matrix = np.asarray(matrix, "<f4")
    entries = [*words, *labels]
    outputs = changed.get("output_rows", len(words))
    kinds = changed.get("kinds", [0] * len(words) + [1] * len(labels))
    declared = {"dim": matrix.shape[1], "minn": shortest, "maxn": longest, "bucket": buckets, "kind": 2} | changed
    # dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate, t
    settings = (declared["dim"], 5, 1, 1, 5, 1, 2, declared["kind"], declared["bucket"])
    parts = [
        struct.pack("<2i", MAGIC, changed.get("version", 12)),
        struct.pack("<12id", *settings, declared["minn"], declared["maxn"], 100, 1e-4),
        struct.pack(
            "<3i2q",
            changed.get("size", len(entries)),
            changed.get("nwords", len(words)),
            changed.get("nlabels", len(labels)),
            1000,
            changed.get("pruned", -1),
        ),
    ]
    for place, (entry, kind) in enumerate(zip(entries, kinds, strict=True)):
        text = entry if isinstance(entry, bytes) else entry.encode()
        parts.append(text + b"\0" + struct.pack("<qb", 100 - place, kind))
    parts.append(struct.pack("<?", changed.get("quantised", False)))
    parts.append(struct.pack("<2q", changed.get("rows", len(matrix)), changed.get("columns", matrix.shape[1])))
    parts.append(matrix.tobytes())
    parts.append(struct.pack("<?2q", False, outputs, matrix.shape[1]) + bytes(4 * outputs * matrix.shape[1]))
    return b"".join(parts)
