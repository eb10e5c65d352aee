"""What computes the networks: PyTorch, or ncnn, which is faster on CPUs without matrix instructions."""
