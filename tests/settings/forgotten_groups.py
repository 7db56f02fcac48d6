"""A process of the command line registers one record; tests register several, whose groups are not the same."""

import pytest
from hydra.core.config_store import ConfigStore


def forget_groups(patch: pytest.MonkeyPatch) -> None:
    """Has Hydra forget the groups that were registered before, and when `patch` ends, those that were meanwhile."""
    for group in ("model", "bench"):
        patch.setitem(ConfigStore.instance().repo, group, {})
        patch.delitem(ConfigStore.instance().repo, group)
