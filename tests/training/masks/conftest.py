"""What the tests of mask learning share."""

import pytest

from tests.training.masks.setup import make_trainer, write_files


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def trainer(files, tmp_path_factory):
    return make_trainer(files, tmp_path_factory.mktemp("trainer") / "masks.safetensors", "--batch", "3")
