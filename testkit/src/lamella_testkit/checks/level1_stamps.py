"""Level 1, readable: time stamps of frames mean the same in every format."""

from __future__ import annotations

import numpy as np

from lamella.reader import elapsed
from lamella_testkit.checking import check
from lamella_testkit.kit import Kit

_CLOSE = 1e-6  # seconds


@check(level=1)
def time_stamps_are_alike(kit: Kit) -> None:
    """Arrays named "acquired" are moments (datetime64[ns]), and "time" are seconds since the first frame (float64).

    `lamella.stamps.stamp_arrays` makes both from one function that reads the moments.
    """
    some = False
    for data in kit.kinds():
        with kit.case(data):
            arrays = {name: np.asarray(give()) for name, give in kit.source(kit.written(data)).info.per_frame.items()}
            time, acquired = arrays.get("time"), arrays.get("acquired")
            some = some or time is not None or acquired is not None
            if time is not None:
                kit.expect(time.dtype == np.float64, f"'time' is {time.dtype}, expected float64")
                known = time[np.isfinite(time)]
                begins = not known.size or abs(known[0]) < _CLOSE
                kit.expect(begins, f"'time' begins with {known[:1]}, expected 0 at the first frame that has a stamp")
            if acquired is not None:
                kit.expect(time is not None, "there are moments 'acquired', but no seconds 'time'")
                assert time is not None
                kit.expect(acquired.dtype == np.dtype("M8[ns]"), f"'acquired' is {acquired.dtype}, expected M8[ns]")
                agree = np.allclose(time, elapsed(acquired), rtol=0, atol=_CLOSE, equal_nan=True)
                kit.expect(agree, "'time' is not the time between the moments 'acquired'")
    kit.needs(some, "frames have no time stamps")
