"""Makes keras_text.json, the answers of Keras that tests/data and tests/layers compare text handling with.

Run where TensorFlow and keras-preprocessing are installed, which the tests do not need:

    pip install "keras==3.15.1" "tensorflow-cpu==2.21.0" keras-preprocessing==1.1.2 six
    python tests/reference/keras_text.py

Each answer stands beside the call it came from: class, settings, what `adapt` got, and the inputs.
"""

import json
import os
import random
from pathlib import Path

os.environ.update(CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow")

import keras
import numpy as np
import tensorflow as tf
from keras_preprocessing import sequence
from keras_preprocessing import text as keras_text

TEXTS = [
    "The quick brown fox, the lazy dog.",
    "A dog's life: the dog (and the fox) ran & ran!",
    "",
    "Ein Übergang — ÉTÉ naïve café, don't e-mail me@home.org",
    "tabs\tand\nlines and\u00a0no-break \u3000 spaces\u000bhere",
    "1 2 3 2 1 ... ___ [UNK] 'quoted' <br /><br />html",
    "fox fox fox dog dog ran quick the the the the",
]
ASK = ["the fox and the cat", "Unknown words ONLY!", "", "ÉTÉ café dog's", "ran\u00a0ran ran"]


def plain(value):
    if hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value


def tokenizers():
    settings = [
        {},
        {"num_words": 6},
        {"num_words": 6, "oov_token": "<?>"},
        {"oov_token": "the"},
        {"lower": False, "filters": ",.!", "split": "n"},
        {"char_level": True, "num_words": 9, "oov_token": "#"},
    ]
    for given in settings:
        tokenizer = keras_text.Tokenizer(**given)
        tokenizer.fit_on_texts(TEXTS[:4])
        tokenizer.fit_on_texts([*TEXTS[4:], ["The", "list", "of", "words"]])
        sequences = tokenizer.texts_to_sequences(ASK)
        yield {
            "settings": given,
            "word_index": tokenizer.word_index,
            "word_counts": dict(tokenizer.word_counts),
            "word_docs": dict(tokenizer.word_docs),
            "document_count": tokenizer.document_count,
            "sequences": sequences,
            "texts": tokenizer.sequences_to_texts([*sequences, [1, 5, 6, 9999]]),
            "json": tokenizer.to_json(),
            "matrices": {
                mode: plain(tokenizer.texts_to_matrix(ASK, mode))
                for mode in ("binary", "count", "tfidf", "freq")
            },
        }


def fitted_on_sequences():
    tokenizer = keras_text.Tokenizer(num_words=5)
    tokenizer.fit_on_sequences([[1, 2, 2], [2, 4], [7]])
    return plain(tokenizer.sequences_to_matrix([[1, 2, 2, 4, 8], [3]], "tfidf"))


def grams():
    for categorical in (False, True):
        for window in (1, 3):
            words = [1, 2, 0, 3, 4, 5, 0, 0, 2]
            couples, labels = sequence.skipgrams(
                words, 6, window_size=window, negative_samples=0, shuffle=False, categorical=categorical
            )
            yield {"window_size": window, "categorical": categorical, "couples": couples, "labels": labels}


def words():
    for given in [{}, {"lower": False}, {"split": "n"}, {"filters": "aeiou", "split": "--"}]:
        yield {
            "settings": given,
            "words": [keras_text.text_to_word_sequence(text, **given) for text in TEXTS],
            "hashed": [keras_text.hashing_trick(text, 50, "md5", **given) for text in TEXTS],
        }


def vectorizations():
    settings = [
        {},
        {"max_tokens": 8, "output_sequence_length": 5},
        {"output_sequence_length": 40},
        {"standardize": "lower"},
        {"standardize": "strip_punctuation"},
        {"standardize": None},
        {"split": "character", "max_tokens": 20},
        {"ngrams": 2},
        {"ngrams": (3, 1)},
        {"split": "character", "ngrams": (2,), "max_tokens": 30},
        {"output_mode": "multi_hot"},
        {"output_mode": "multi_hot", "max_tokens": 60, "pad_to_max_tokens": True},
        {"output_mode": "count", "max_tokens": 6},
        {"output_mode": "tf_idf"},
        {"output_mode": "tf_idf", "max_tokens": 7, "ngrams": 2},
        {"output_mode": "tf_idf", "max_tokens": 60, "pad_to_max_tokens": True},
    ]
    for given in settings:
        layer = keras.layers.TextVectorization(**given)
        layer.adapt(TEXTS)
        yield {
            "settings": given,
            "vocabulary": plain(layer.get_vocabulary()),
            "own": plain(layer.get_vocabulary(include_special_tokens=False)),
            "size": layer.vocabulary_size(),
            "outputs": plain(layer(ASK)),
        }


def lookup(name, given, data, inputs):
    layer = getattr(keras.layers, name)(**given)
    if data is not None:
        layer.adapt(data)
    return {
        "name": name,
        "settings": given,
        "adapt": plain(data),
        "inputs": plain(inputs),
        "vocabulary": plain(layer.get_vocabulary()),
        "outputs": plain(layer(inputs)),
    }


def lookups():
    colours = np.array([["red", "blue"], ["red", ""], ["green", "red"], ["blue", "red"], ["[UNK]", "ash"]])
    asked = np.array([["blue", "grey"], ["", "red"], ["über", "red"], ["[UNK]", "ash"]])
    numbers = np.array([[12, 5], [12, -3], [0, 12], [5, 7], [2**40, 7]])
    query = np.array([[12, 99], [0, 7], [-3, 2**40], [-8, 5]])
    for data, ask, name, mask in ((colours, asked, "StringLookup", ""), (numbers, query, "IntegerLookup", 0)):
        for mode in ("int", "one_hot", "multi_hot", "count", "tf_idf"):
            yield lookup(name, {"output_mode": mode}, data, ask)
            yield lookup(name, {"output_mode": mode, "mask_token": mask, "num_oov_indices": 2}, data, ask)
            more = (
                {"max_tokens": 4}
                if mode in ("int", "one_hot")
                else {"max_tokens": 9, "pad_to_max_tokens": True}
            )
            yield lookup(name, {"output_mode": mode, **more}, data, ask)
        yield lookup(name, {"num_oov_indices": 0}, data, data[:2])
        yield lookup(name, {"output_mode": "one_hot"}, data[:, :1], ask[:, :1])
        known = [item for item in dict.fromkeys(plain(data.ravel())) if item not in ("", 0)][:3]
        ids = np.array([[0, 1, 2], [3, 4, 99]])
        yield lookup(name, {"vocabulary": known, "invert": True}, None, ids)
        yield lookup(
            name, {"vocabulary": known, "invert": True, "mask_token": 77 if name[0] == "I" else ""}, None, ids
        )
        weighted = {"vocabulary": known, "idf_weights": [0.5, 1.5, 4.0], "output_mode": "tf_idf"}
        yield lookup(name, weighted, None, ask)
    unseen = np.array([f"w{number}" for number in range(30)])
    yield lookup("StringLookup", {"vocabulary": ["a"], "num_oov_indices": 7}, None, unseen)
    yield lookup("StringLookup", {"vocabulary": ["a"], "num_oov_indices": 7, "salt": [3, 4]}, None, unseen)
    many = np.arange(-15, 15)
    for more in ({}, {"oov_method": "farmhash"}, {"oov_method": "farmhash", "salt": 9}):
        yield lookup("IntegerLookup", {"vocabulary": [100], "num_oov_indices": 7, **more}, None, many)


def hashes():
    generator = random.Random(0)
    letters = "abcdefgh üé漢0123"
    samples = [
        "".join(generator.choice(letters) for _ in range(size)) for size in [*range(70), 127, 128, 129, 500]
    ]
    yield {
        "kind": "hash",
        "texts": samples,
        "farmhash": plain(tf.strings.to_hash_bucket_fast(samples, 2**62)),
        "siphash": plain(tf.strings.to_hash_bucket_strong(samples, 2**62, key=[2**62 + 5, 7])),
    }


def hashing_layers():
    texts = np.array([["a", "b"], ["", "long text"], ["b", "ü"]])
    numbers = np.array([[1, -2], [0, 10**12], [-2, 7]])
    for inputs, mask in ((texts, ""), (numbers, 0)):
        for given in [{}, {"mask_value": mask}, {"salt": 5}, {"salt": [1, 2], "mask_value": mask}]:
            for mode in ("int", "one_hot", "multi_hot", "count"):
                settings = {"num_bins": 5, "output_mode": mode, **given}
                outputs = plain(keras.layers.Hashing(**settings)(inputs))
                yield {"settings": settings, "inputs": plain(inputs), "outputs": outputs}


def crossings():
    one = np.array(["A", "B", "A", "ü", ""])
    two = np.array([101, -1, 101, 2**40, 0])
    for mode in ("int", "one_hot"):
        for columns in ([one, two], [two, one, one], [two[:, None], two[:, None]]):
            outputs = keras.layers.HashedCrossing(num_bins=11, output_mode=mode)(columns)
            yield {"mode": mode, "inputs": [plain(column) for column in columns], "outputs": plain(outputs)}


def discretizations():
    generator = np.random.default_rng(0)
    sets = {
        "normal": [generator.normal(size=(1000, 2)).astype("float32")],
        "parts": [generator.exponential(size=(size,)).astype("float32") for size in (300, 5, 700)],
        "few": [np.array([3.0, 1.0, 2.0], "float32")],
        "odd": [np.arange(257.0, dtype="float32")],
    }
    for name, parts in sets.items():
        for bins, epsilon in ((4, 0.01), (10, 0.1), (7, 0.03)):
            layer = keras.layers.Discretization(num_bins=bins, epsilon=epsilon)
            layer.adapt(iter(parts) if len(parts) > 1 else parts[0])
            yield {
                "name": name,
                "num_bins": bins,
                "epsilon": epsilon,
                "data": plain(parts),
                "boundaries": plain(layer.bin_boundaries),
            }


ANSWERS = {
    "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "keras_preprocessing": "1.1.2"},
    "texts": TEXTS,
    "ask": ASK,
    "tokenizers": list(tokenizers()),
    "fitted_on_sequences": fitted_on_sequences(),
    "sampling_table": plain(sequence.make_sampling_table(12)),
    "sampling_table_10": plain(sequence.make_sampling_table(100, 1e-3)),
    "skipgrams": list(grams()),
    "words": list(words()),
    "vectorizations": list(vectorizations()),
    "lookups": list(lookups()),
    "hashes": list(hashes()),
    "hashing_layers": list(hashing_layers()),
    "crossings": list(crossings()),
    "discretizations": list(discretizations()),
}
target = Path(__file__).with_name("keras_text.json")
target.write_text(json.dumps(ANSWERS, ensure_ascii=True, separators=(",", ":")))
print(target.stat().st_size, "bytes")
