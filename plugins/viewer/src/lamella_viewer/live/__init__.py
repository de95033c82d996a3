"""Live computing for pictures: lanes, stages from a first picture to the exact one, and the frames of the protocol.

Make one `Scan` for each open data set, and connect each page to it. Who carries the messages is not known here.
"""

from lamella_viewer.live.frames import decode_frame, encode_frame
from lamella_viewer.live.messages import MAX_LANES
from lamella_viewer.live.pictures import Picture
from lamella_viewer.live.regions import region_mask
from lamella_viewer.live.scan import Scan
from lamella_viewer.live.talk import Talk

__all__ = ["MAX_LANES", "Picture", "Scan", "Talk", "decode_frame", "encode_frame", "region_mask"]
