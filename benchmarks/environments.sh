#!/bin/sh
# Sets up .venv-bench: this library and its peers side by side in one environment, so that all of them
# run on the same Python, NumPy and JAX. Safe to run again: it stops at once when everything is there.
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"
here=.venv-bench/bin/python
wanted="jax keras sklearn tensorflow torch gradwise"

if [ -x "$here" ] && "$here" - $wanted <<'PY'
import importlib.util, sys
sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))
PY
then
    echo "benchmarks: .venv-bench is ready"
    exit 0
fi

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "benchmarks: Python 3.11 or newer is needed; name one with PYTHON=..." >&2
    exit 2
}
[ -x "$here" ] || "$python" -m venv .venv-bench
# PyTorch's build for CPUs has an index of its own; the one on PyPI for Linux brings 3 GB of CUDA libraries.
# Without its dependencies, which come from PyPI below.
"$here" -m pip install --quiet --no-deps "torch==2.13.0" --extra-index-url https://download.pytorch.org/whl/cpu
# TensorFlow's small build without GPU code exists for Linux on x86-64 only.
case "$(uname -s) $(uname -m)" in
    "Linux x86_64") tensorflow=tensorflow-cpu ;;
    *) tensorflow=tensorflow ;;
esac
"$here" -m pip install --quiet --editable . torch "keras>=3.15" "scikit-learn>=1.9" "$tensorflow>=2.20"
echo "benchmarks: .venv-bench is ready"
