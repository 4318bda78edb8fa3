"""News by topic: 10000-64-64-46, rmsprop, batches of 512, 9 epochs (document 000, listings 3-12 to 3-22).

The document's figures: test accuracy 0.797; with a bottleneck of 4 units about 0.71 in validation.
"""

import argparse

import gradwise as gw
from gradwise import layers
from gradwise.datasets import reuters


def build(words: int, middle: int) -> gw.Sequential:
    """Makes the document's network with so many units in the middle layer."""
    model = gw.Sequential(
        [
            gw.Input((words,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(middle, activation="relu"),
            layers.Dense(46, activation="softmax"),
        ]
    )
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def main(epochs: int = 9, bottleneck_epochs: int = 20, words: int = 10_000) -> tuple[float, float]:
    """Trains both networks; returns the test accuracy and the best validation accuracy of the narrow one."""
    (train_data, train_labels), (test_data, test_labels) = reuters.load_data(num_words=words)
    x_train = gw.utils.vectorize_sequences(train_data, words)
    x_test = gw.utils.vectorize_sequences(test_data, words)
    y_train = gw.utils.to_categorical(train_labels)
    y_test = gw.utils.to_categorical(test_labels)
    validation = (x_train[:1000], y_train[:1000])

    model = build(words, 64)
    model.fit(x_train[1000:], y_train[1000:], epochs=epochs, batch_size=512, validation_data=validation)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy {accuracy:.4f}, loss {loss:.4f}")

    narrow = build(words, 4)
    history = narrow.fit(
        x_train[1000:], y_train[1000:], epochs=bottleneck_epochs, batch_size=128, validation_data=validation
    )
    best = max(history.history["val_accuracy"])
    print(f"with a bottleneck of 4 units: validation accuracy {best:.4f}")
    return accuracy, best


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--bottleneck-epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    gw.set_random_seed(options.seed)
    main(options.epochs, options.bottleneck_epochs)
