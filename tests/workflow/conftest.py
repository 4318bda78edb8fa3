import numpy as np
import pytest


def customers(rows=160, seed=0):
    """A table with numbers, words, gaps, an id, a leak and a target that follows from age and income."""
    generator = np.random.default_rng(seed)
    age = generator.integers(18, 80, rows)
    income = generator.normal(50, 15, rows).round(1)
    buys = (age / 62 + income / 50 + generator.normal(0, 0.2, rows)) > 1.8
    gaps = generator.uniform(size=rows) < 0.1
    return {
        "customer_id": list(range(1000, 1000 + rows)),
        "age": age.tolist(),
        "income": [None if gap else value for value, gap in zip(income.tolist(), gaps, strict=True)],
        "town": generator.choice(["Bonn", "Kiel", "Ulm"], rows).tolist(),
        "size": generator.choice(["Low", "Medium", "High"], rows).tolist(),
        "country": ["DE"] * rows,
        "paid": ["yes" if value else "no" for value in buys],
        "buys": buys.astype(int).tolist(),
    }


@pytest.fixture(scope="session")
def binary_result():
    from gradwise.workflow import train

    return train(customers(), "buys", epochs=40, seed=0, verbose=0)


@pytest.fixture(scope="session")
def digits_result():
    from gradwise.workflow import train

    return train("digits", epochs=3, seed=0, verbose=0)


@pytest.fixture
def customer_table():
    return customers()


@pytest.fixture
def more_customers():
    return customers(400, seed=1)
