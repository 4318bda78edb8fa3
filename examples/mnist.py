"""Handwritten digits: 784-512-10, rmsprop, batches of 128, 5 epochs (document 000, listings 2-1 to 2-6).

The document's test accuracy: about 0.98.
"""

import argparse

import gradwise as gw
from gradwise import layers
from gradwise.datasets import mnist


def main(epochs: int = 5, samples: int | None = None) -> float:
    """Trains and returns the test accuracy."""
    (train_images, train_labels), (test_images, test_labels) = mnist.load_data()
    train_images = train_images.reshape(-1, 28 * 28).astype("float32")[:samples] / 255
    test_images = test_images.reshape(-1, 28 * 28).astype("float32") / 255
    train_labels = gw.utils.to_categorical(train_labels)[:samples]
    test_labels = gw.utils.to_categorical(test_labels)

    model = gw.Sequential(
        [gw.Input((28 * 28,)), layers.Dense(512, activation="relu"), layers.Dense(10, activation="softmax")]
    )
    model.summary()
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_images, train_labels, epochs=epochs, batch_size=128)
    loss, accuracy = model.evaluate(test_images, test_labels, verbose=0)
    print(f"test accuracy {accuracy:.4f}, loss {loss:.4f}")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--samples", type=int, help="train on the first so many images only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    gw.set_random_seed(options.seed)
    main(options.epochs, options.samples)
