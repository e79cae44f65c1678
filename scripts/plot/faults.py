# SPDX-License-Identifier: Apache-2.0
"""How a plot script refuses what it is given."""
import sys


def fault(text):
    """Ends the script with one line and the status of bad input, as memwall does."""
    print(f"error: {text}", file=sys.stderr)
    sys.exit(2)
