"""Build-time smoke test: SciPy transforms, OpenCV writes and reads a 16-bit picture, the program imports."""

import cv2
import numpy as np
import scipy
from scipy import fft

from stagekit.smoke import import_package

picture = np.arange(15, dtype=np.uint16).reshape(1, 5, 3) * 4000
assert np.allclose(fft.idctn(fft.dctn(picture.astype(np.float32))), picture, atol=0.1)
coded, content = cv2.imencode(".png", picture)
assert coded
assert np.array_equal(cv2.imdecode(content, cv2.IMREAD_UNCHANGED), picture)
print("scipy %s, opencv %s" % (scipy.__version__, cv2.__version__))
print("%d modules of yang2019" % len(import_package("yang2019")))
