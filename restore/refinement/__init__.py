"""Diffusion sampling that regenerates what is hidden and keeps what is known: functions over tensors and callables."""
