"""The kinds of obstruction, the motions of grey boxes, and the degradations that hide nothing, by name.

They live here, as command lines list them before PyTorch is imported, which takes seconds.
"""

# Ordered from the scene to the recorder: a later kind covers an earlier one. The index is the code in maps of kinds.
KINDS = ("leaves", "boxes", "dirt", "drops", "flare", "scratches", "text")
BOXES = KINDS.index("boxes")
REMOVED = KINDS[:-1]  # unless asked otherwise: burnt-in text says when and where, and is evidence

BOX_MOTIONS = ("none", "static", "moving", "random", "heavy")  # `degradations/boxes.py` says what each is

# They hide nothing, and come one at a time or several.
ALONE = ("defocus", "motion_blur", "noise", "codec", "low_resolution", "low_light")
