"""Build-time smoke test: the libraries do what the method needs of them, and every module can be imported."""

import cv2
import numpy as np

from stagekit.smoke import import_package

picture = np.arange(15, dtype=np.uint16).reshape(1, 5, 3) * 4000
coded, content = cv2.imencode(".png", picture)
assert coded
assert np.array_equal(cv2.imdecode(content, cv2.IMREAD_UNCHANGED), picture)
print(f"numpy {np.__version__}, opencv {cv2.__version__}")
print(f"{len(import_package('program_template'))} modules of program_template")
