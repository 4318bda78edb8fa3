"""Words, n-grams and the Tokenizer, against frozen answers of Keras 2 and against scikit-learn."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from gradwise import utils
from gradwise.data.text import pad_sequences
from gradwise.data.tokenizer import Tokenizer, tokenizer_from_json
from gradwise.data.tokenizing import hashing_trick, ngrams, one_hot, text_to_word_sequence
from gradwise.errors import FileError, InputError, StateError

pytestmark = pytest.mark.feature("A4")

ANSWERS = json.loads((Path(__file__).parents[1] / "reference" / "keras_text.json").read_text())
TEXTS, ASK = ANSWERS["texts"], ANSWERS["ask"]


def learned(settings):
    tokenizer = Tokenizer(**settings)
    tokenizer.fit_on_texts(TEXTS[:4])
    tokenizer.fit_on_texts([*TEXTS[4:], ["The", "list", "of", "words"]])
    return tokenizer


@pytest.mark.parametrize("answer", ANSWERS["words"], ids=lambda answer: str(answer["settings"]))
def test_words_and_hashes_are_keras(answer):
    settings = answer["settings"]
    assert [text_to_word_sequence(text, **settings) for text in TEXTS] == answer["words"]
    assert [hashing_trick(text, 50, **settings) for text in TEXTS] == answer["hashed"]
    assert [hashing_trick(text, 50, "md5", **settings) for text in TEXTS] == answer["hashed"]
    assert [one_hot(text, 50, **settings) for text in TEXTS] == answer["hashed"]


def test_any_hash_function_may_be_given():
    assert hashing_trick("a bb ccc", 3, len) == [1 % 2 + 1, 2 % 2 + 1, 3 % 2 + 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: text_to_word_sequence(None), "expected a text, but got an object of class NoneType"),
        (lambda: text_to_word_sequence("a", split=""), "but got split=''. For characters write list(text)"),
        (lambda: hashing_trick("a", 1), "expected n of at least 2, as 0 is no word's number, but got 1"),
        (lambda: hashing_trick("a", 9, "sha"), "expected hash_function to be 'md5' or a function of a word"),
        (lambda: ngrams(["a"], 0), "expected positive whole numbers as widths, but got 0"),
        (lambda: ngrams(["a"], ()), "expected positive whole numbers as widths"),
    ],
)
def test_what_makes_no_tokens_is_refused(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)


@pytest.mark.parametrize("widths", [(1, 1), (1, 2), (2, 4)])
@pytest.mark.parametrize("text", ["one two three two", "ab", ""])
def test_ngrams_are_those_of_scikit_learn(widths, text):
    wanted = tuple(range(widths[0], widths[1] + 1))
    words = CountVectorizer(ngram_range=widths, token_pattern=r"\S+", stop_words=None).build_analyzer()
    assert ngrams(text.split(), wanted) == words(text)
    characters = CountVectorizer(analyzer="char", ngram_range=widths).build_analyzer()
    assert ngrams(text, wanted, separator="") == characters(text)


@pytest.mark.parametrize("answer", ANSWERS["tokenizers"], ids=lambda answer: str(answer["settings"]))
def test_tokenizer_is_keras(answer):
    tokenizer = learned(answer["settings"])
    for name in ("word_index", "word_counts", "word_docs", "document_count"):
        assert getattr(tokenizer, name) == answer[name]
    assert tokenizer.texts_to_sequences(ASK) == answer["sequences"]
    assert tokenizer.sequences_to_texts([*answer["sequences"], [1, 5, 6, 9999]]) == answer["texts"]
    for mode, matrix in answer["matrices"].items():
        np.testing.assert_allclose(tokenizer.texts_to_matrix(ASK, mode), matrix, rtol=1e-12)


@pytest.mark.parametrize("answer", ANSWERS["tokenizers"], ids=lambda answer: str(answer["settings"]))
def test_files_of_keras_are_read_and_written(answer):
    for written in (answer["json"], learned(answer["settings"]).to_json(indent=1)):
        tokenizer = tokenizer_from_json(written)
        assert tokenizer.texts_to_sequences(ASK) == answer["sequences"]
        assert tokenizer.index_word == {place: word for word, place in answer["word_index"].items()}
        np.testing.assert_allclose(tokenizer.texts_to_matrix(ASK, "tfidf"), answer["matrices"]["tfidf"])
    ours, theirs = (
        json.loads(text)["config"] for text in (learned(answer["settings"]).to_json(), answer["json"])
    )
    for name, value in theirs.items():
        table = name.startswith(("word_", "index_"))
        # As tables: Keras writes counts of documents in the order of a set.
        assert (json.loads(ours[name]) == json.loads(value)) if table else (ours[name] == value), name


def test_counts_learned_from_sequences():
    tokenizer = Tokenizer(num_words=5)
    tokenizer.fit_on_sequences([[1, 2, 2], [2, 4], [7]])
    matrix = tokenizer.sequences_to_matrix([[1, 2, 2, 4, 8], [3]], "tfidf")
    np.testing.assert_allclose(matrix, ANSWERS["fitted_on_sequences"], rtol=1e-12)


def test_counts_and_rarity_are_those_of_scikit_learn():
    texts = ["a cat and a dog", "the cat", "dog dog dog", "the end of a cat"]
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(texts)
    places = [tokenizer.word_index[word] for word in sorted(tokenizer.word_index)]
    counts = CountVectorizer(token_pattern=r"\S+").fit_transform(texts)
    np.testing.assert_array_equal(tokenizer.texts_to_matrix(texts, "count")[:, places], counts.toarray())
    # scikit-learn: log((1 + N) / (1 + n)) + 1, so that both tell n.
    idf = TfidfTransformer().fit(counts).idf_
    seen = 5 / np.exp(idf - 1) - 1
    matrix = tokenizer.texts_to_matrix(texts, "tfidf")[:, places]
    known = counts.toarray()
    expected = np.where(known > 0, 1 + np.log(np.maximum(known, 1)), 0) * np.log(1 + 4 / (1 + seen))
    np.testing.assert_allclose(matrix, expected, rtol=1e-9)


def test_an_analyzer_splits_and_is_no_part_of_files():
    tokenizer = Tokenizer(analyzer=lambda text: text.split("-"), oov_token="?")
    tokenizer.fit_on_texts(["a-b", "b"])
    assert tokenizer.word_index == {"?": 1, "b": 2, "a": 3}
    assert list(tokenizer.texts_to_sequences_generator(iter(["b-c"]))) == [[2, 1]]
    with pytest.raises(FileError, match="but got a function as analyzer. Split the texts first"):
        tokenizer.to_json()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Tokenizer(num_words=0), InputError, "expected num_words to be a positive whole number"),
        (lambda: Tokenizer(analyzer="word"), InputError, "expected analyzer to be a function"),
        (
            lambda: Tokenizer().fit_on_texts("a text"),
            InputError,
            "expected a list of texts, but got one text",
        ),
        (
            lambda: Tokenizer().fit_on_texts(["a", None]),
            InputError,
            "got an object of class NoneType at position 1. Fill missing texts with ''",
        ),
        (lambda: Tokenizer(5).sequences_to_matrix([[1]], "tf"), InputError, "expected one of binary, count"),
        (
            lambda: Tokenizer().sequences_to_matrix([[1]]),
            StateError,
            "Call fit_on_texts first, or set num_words",
        ),
        (lambda: Tokenizer(5).sequences_to_matrix([[1]], "tfidf"), StateError, "Call fit_on_texts first."),
        (lambda: tokenizer_from_json("{}"), FileError, "expected what Tokenizer.to_json wrote"),
        (lambda: tokenizer_from_json("no json"), FileError, "Save the tokenizer again"),
    ],
)
def test_what_a_tokenizer_refuses(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
def test_pad_sequences_is_keras_whatever_the_settings(seed):
    random = np.random.default_rng(seed)
    vectors = random.random() < 0.3
    sequences = [
        random.integers(0, 9, (size, 2) if vectors else size).tolist() for size in random.integers(1, 12, 6)
    ]
    settings = {
        "maxlen": [None, *range(1, 14)][random.integers(14)],
        "padding": random.choice(["pre", "post"]),
        "truncating": random.choice(["pre", "post"]),
        "value": int(random.integers(-3, 3)),
        "dtype": random.choice(["int32", "float32", "int64"]),
    }
    result, expected = pad_sequences(sequences, **settings), keras.utils.pad_sequences(sequences, **settings)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype


def test_utils_offer_them():
    assert utils.Tokenizer is Tokenizer and utils.ngrams is ngrams and utils.one_hot is one_hot
