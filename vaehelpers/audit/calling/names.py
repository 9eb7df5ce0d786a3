"""Throw-away: the old place of the names."""

from vaehelpers.audit.names import *  # noqa: F403
from vaehelpers.audit.names import role_of, spreads_of, words  # noqa: F401
