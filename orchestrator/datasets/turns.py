"""The eight ways in which a picture can lie: as it is, mirrored, upside down, turned."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

_FREQUENCIES = 8


@dataclass(frozen=True)
class Turn:
    """How a picture is brought to lie as another does.

    Attributes:
        words: How it lies before that, such as 'mirrored'; empty where nothing is done.
        direction: Of a quarter turn, such as 'to the right'.
        operation: What is done; None for nothing.
        transposed: Whether rows become columns.
        down: Whether rows come in the opposite order, then.
        across: Whether columns do.
    """

    words: str = ""
    direction: str = ""
    operation: Image.Transpose | None = None
    transposed: bool = False
    down: bool = False
    across: bool = False

    def picture(self, picture: Image.Image) -> Image.Image:
        """Return a picture so turned."""
        return picture if self.operation is None else picture.transpose(self.operation)

    def shape(self, shape: int) -> int:
        """Return the number of a picture's shape, as `windows.shape_of` has it, once it is turned."""
        return -shape if self.transposed else shape

    def descriptions(self, values: np.ndarray) -> np.ndarray:
        """Return the descriptions of whole pictures, (pictures, 63), once they are turned.

        They are cosines: those of odd frequencies change their signs where an axis is turned round.
        """
        grid = np.concatenate((np.zeros((len(values), 1), values.dtype), values), axis=1)
        grid = grid.reshape(len(values), _FREQUENCIES, _FREQUENCIES)
        grid = grid.transpose(0, 2, 1) if self.transposed else grid
        signs = np.where(np.arange(_FREQUENCIES) % 2, -1, 1).astype(values.dtype)
        grid = grid * signs[:, None] if self.down else grid
        grid = grid * signs if self.across else grid
        return grid.reshape(len(values), -1)[:, 1:]


AS_IT_IS = Turn()

TURNS = (
    AS_IT_IS,
    Turn("mirrored", "", Image.Transpose.FLIP_LEFT_RIGHT, across=True),
    Turn("upside down", "", Image.Transpose.FLIP_TOP_BOTTOM, down=True),
    Turn("turned by 180 degrees", "", Image.Transpose.ROTATE_180, down=True, across=True),
    Turn("turned by 90 degrees", "to the right", Image.Transpose.ROTATE_90, transposed=True, down=True),
    Turn("turned by 90 degrees", "to the left", Image.Transpose.ROTATE_270, transposed=True, across=True),
    Turn("mirrored at its diagonal", "", Image.Transpose.TRANSPOSE, transposed=True),
    Turn("mirrored at its other diagonal", "", Image.Transpose.TRANSVERSE, transposed=True, down=True, across=True),
)
"""All of them; the first does nothing."""
