#!/usr/bin/env bash
# diffusers 0.42.1, torch 2.14.1: a model of one's own in a pipeline is loaded or not by how its module spells an import.
#
# Expected: a class that derives from `diffusers.ModelMixin` is saved with its pipeline by `save_pretrained`, and loaded again
# by `from_pretrained`, as the library's own models are.
# What happens: it is always saved. It is loaded only if the module that defines it has the name `ModelMixin` itself
# (`from diffusers import ModelMixin`): the loader looks for the base classes as attributes of that module. With
# `import diffusers` and `class Net(diffusers.ModelMixin)`, which is the same class, it raises that the component has none
# of the loading methods, so what was trained for hours is found not to load when it is first used.
#
# Seen:
#   from diffusers import ModelMixin: saved, loaded as Net
#   import diffusers: saved, ValueError: cannot be loaded as it does not seem to have any of the loading methods
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check diffusers==0.42.1 torch==2.14.1 numpy
cat >"$work/named.py" <<'PY'
import torch
from diffusers import ConfigMixin, DiffusionPipeline, ModelMixin
from diffusers.configuration_utils import register_to_config


class Net(ModelMixin, ConfigMixin):
    @register_to_config
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(width, width)


class Pipeline(DiffusionPipeline):
    def __init__(self, unet) -> None:
        super().__init__()
        self.register_modules(unet=unet)
PY
sed -e 's/^from diffusers import .*/import diffusers/' -e 's/\b\(ModelMixin\|ConfigMixin\|DiffusionPipeline\)\b/diffusers.\1/g' \
    "$work/named.py" >"$work/dotted.py"
cat >"$work/load.py" <<'PY'
import tempfile

import dotted
import named

missing = "cannot be loaded as it does not seem to have any of the loading methods"
for spelt, module in (("from diffusers import ModelMixin", named), ("import diffusers", dotted)):
    with tempfile.TemporaryDirectory() as folder:
        module.Pipeline(module.Net()).save_pretrained(folder)
        try:
            found = f"loaded as {type(module.Pipeline.from_pretrained(folder).unet).__name__}"
        except ValueError as error:
            found = f"ValueError: {missing}" if missing in str(error) else f"ValueError: {error}"
    print(f"{spelt}: saved, {found}")
PY
(cd "$work" && venv/bin/python load.py 2>/dev/null) | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
from diffusers import ModelMixin: saved, loaded as Net
import diffusers: saved, ValueError: cannot be loaded as it does not seem to have any of the loading methods
SEEN
