"""What blocks the view, by name. Its index in `KINDS` is its code in maps of kinds."""

# From the scene to the recorder: what comes later in this order lies over what comes before.
KINDS = ("leaves", "boxes", "dirt", "drops", "flare", "scratches", "text")
BOXES = KINDS.index("boxes")
