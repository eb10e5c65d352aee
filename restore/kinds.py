"""The kinds of obstruction, and the motions of grey boxes, by name.

They live here, as command lines list them before PyTorch is imported, which takes seconds.
"""

# Ordered from the scene to the recorder: a later kind covers an earlier one. The index is the code in maps of kinds.
KINDS = ("leaves", "boxes", "dirt", "drops", "flare", "scratches", "text")
BOXES = KINDS.index("boxes")

BOX_MOTIONS = ("none", "static", "moving", "random", "heavy")  # `degradations/boxes.py` says what each is
