"""ERRNet: single image reflection removal of Wei, Yang, Fu, Wipf and Huang, CVPR 2019."""
