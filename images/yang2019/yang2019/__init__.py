"""Fast single image reflection suppression via convex optimization (Yang, Ma, Zheng, Cai and Xu, CVPR 2019)."""
