"""The two demo models, which are dear to train, from one run to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgmt_ansible import errors
from mgmt_ansible.quickstart import demo_models, samples

if TYPE_CHECKING:
    from pathlib import Path


def find_or_train(folder: Path) -> samples.Samples:
    """Return the samples of a folder of models, which is filled when it is empty.

    Raises:
        QuickstartError: There is no way to fill it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = samples.find_samples(folder)
    if found is None:
        demo_models.make_packages(folder)
        found = samples.find_samples(folder)
    if found is None:
        raise errors.QuickstartError(f"no models in {folder}")
    return found
