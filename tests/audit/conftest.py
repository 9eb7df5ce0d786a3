"""The checks that the tests of the audit share say what they found where they fail."""

import pytest

pytest.register_assert_rewrite("audit_losses", "keras_losses")
