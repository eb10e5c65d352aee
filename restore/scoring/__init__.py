"""How close a restored video is to its original: pure functions over pictures uint8 `H W 3`, RGB in [0, 255].

`report.Scores` gathers them frame by frame.
"""
