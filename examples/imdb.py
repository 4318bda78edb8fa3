"""Film reviews, good or bad: 10000-16-16-1, rmsprop, batches of 512, 4 epochs.

Document 000, listings 3-1 to 3-11.

The document's figures on the test set: accuracy 0.883, loss 0.293.
"""

import argparse

import numpy as np

import gradwise as gw
from gradwise import layers
from gradwise.datasets import imdb


def build(words: int) -> gw.Sequential:
    """Makes the document's network."""
    model = gw.Sequential(
        [
            gw.Input((words,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def main(epochs: int = 4, words: int = 10_000, samples: int | None = None) -> float:
    """Trains and returns the test accuracy."""
    (train_data, train_labels), (test_data, test_labels) = imdb.load_data(num_words=words)
    x_train = gw.utils.vectorize_sequences(train_data[:samples], words)
    x_test = gw.utils.vectorize_sequences(test_data[:samples], words)
    y_train = np.asarray(train_labels[:samples]).astype("float32")
    y_test = np.asarray(test_labels[:samples]).astype("float32")

    index = {number: word for word, number in imdb.get_word_index().items()}
    print("first review:", " ".join(index.get(number - 3, "?") for number in train_data[0][:20]), "…")

    model = build(words)
    model.fit(x_train, y_train, epochs=epochs, batch_size=512)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy {accuracy:.4f}, loss {loss:.4f}")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--samples", type=int, help="use the first so many reviews only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    gw.set_random_seed(options.seed)
    main(options.epochs, samples=options.samples)
