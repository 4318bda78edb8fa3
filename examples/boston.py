"""House prices: 13-64-64-1, rmsprop, mse, batches of 16, 80 epochs (document 000, listings 3-24 to 3-31).

The document's test MAE of one run: 2.55 (thousand dollars). One run says little on 102 test samples, so this
trains five from different seeds and reports their mean.
"""

import argparse

import numpy as np

import gradwise as gw
from gradwise import layers
from gradwise.datasets import boston_housing


def build(columns: int) -> gw.Sequential:
    """Makes the document's network."""
    model = gw.Sequential(
        [
            gw.Input((columns,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


def main(epochs: int = 80, seeds: int = 5) -> float:
    """Trains from several seeds and returns the mean of the test MAEs."""
    (train_data, train_targets), (test_data, test_targets) = boston_housing.load_data()
    mean, spread = train_data.mean(axis=0), train_data.std(axis=0)  # of the training part only
    train_data = (train_data - mean) / spread
    test_data = (test_data - mean) / spread
    errors = []
    for seed in range(seeds):
        gw.set_random_seed(seed)
        model = build(train_data.shape[1])
        model.fit(train_data, train_targets, epochs=epochs, batch_size=16, verbose=0)
        _, error = model.evaluate(test_data, test_targets, verbose=0)
        errors.append(error)
        print(f"seed {seed}: test MAE {error:.3f}")
    print(f"mean of {seeds} seeds: {np.mean(errors):.3f} ± {np.std(errors):.3f}")
    return float(np.mean(errors))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    main(options.epochs, options.seeds)
