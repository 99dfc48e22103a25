"""Warp kernels: one code for CPU and CUDA. Only forward: compiling adjoints would double the wait at first use."""

import warp as wp

wp.config.log_level = wp.LOG_ERROR
wp.config.enable_backward = False
