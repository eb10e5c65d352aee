#!/bin/sh
# Library:     PyAV 18.1.0 (package `av`), with the FFmpeg that its wheel carries.
# Expectation: G.711 sound (A-law) is copied from WAV into Matroska packet by packet, as FFmpeg's own command does with
#              `-c copy`: Matroska stores it under the codes of WAV (A_MS/ACM).
# What happens: `add_stream_from_template` raises ValueError ("format does not support"), as it asks `avformat_query_codec`,
#              which looks at one of the muxer's tables only. The muxer itself takes the stream: with a stream of another
#              codec that takes over its parameters through the `null` bitstream filter, it is written and read back.
# Exit:        0 while it is so, 1 once it is not.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target "$folder/packages" av==18.1.0 numpy==2.4.6
PYTHONPATH="$folder/packages" "${PYTHON:-python3}" - "$folder" <<'P'
import sys

import av
import numpy as np
from av.bitstream import BitStreamFilterContext


def wav(name, codec):
    path = f"{sys.argv[1]}/{name}"
    with av.open(path, "w") as output:
        stream = output.add_stream(codec, rate=8000, layout="mono")
        tone = (8000 * np.sin(np.arange(8000) / 5)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = 8000
        output.mux(stream.encode(frame) + stream.encode(None))
    return path


def packets(path):
    with av.open(path) as container:
        stream = container.streams.audio[0]
        return stream.codec_context.name, b"".join(bytes(packet) for packet in container.demux(stream))


source, other, copy = wav("alaw.wav", "pcm_alaw"), wav("pcm.wav", "pcm_s16le"), f"{sys.argv[1]}/copy.mkv"
refused = "accepted"
with av.open(source) as container, av.open(other) as accepted, av.open(copy, "w") as output:
    try:
        output.add_stream_from_template(container.streams.audio[0], opaque=True)
    except ValueError as error:
        refused = str(error)
        stream = output.add_stream_from_template(accepted.streams.audio[0], opaque=True)
        BitStreamFilterContext("null", in_stream=container.streams.audio[0], out_stream=stream)
        stream.codec_context.codec_tag = "\0\0\0\0"
        for packet in container.demux(audio=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
same = refused != "accepted" and packets(copy) == packets(source)
print(f"av {av.__version__}: expected it to be accepted, got: {refused}; stored all the same: {same}")
sys.exit(0 if same else 1)
P
# Output seen: av 18.1.0: expected it to be accepted, got: 'matroska' format does not support 'pcm_alaw' codec; stored all
# the same: True
