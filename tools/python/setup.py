import os
import sys

from setuptools import setup

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from declarations import version  # noqa: E402

setup(version=version(), cffi_modules=["declarations.py:ffi"])
