"""The kinds of test vectors, of all sections. SPEC.md §16.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import kinds_devices  # noqa: F401
import kinds_envelopes  # noqa: F401
import kinds_histories  # noqa: F401
import kinds_identities  # noqa: F401
import kinds_keyring  # noqa: F401
import kinds_rooms  # noqa: F401
from vectors import KINDS, answer, sealed  # noqa: F401
